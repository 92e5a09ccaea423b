"""`senex setup` at a real terminal, against a simulated broker, a real mail server and a real receiver of phones."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.config.credentials import CredentialsError
from core.config.folders import Folders
from core.config.loader import load_settings
from core.config.notify import NotifySettings
from core.config.settings_file import NotChanged, with_settings
from senex_tui.cli.setup.plan import Plan, write
from senex_tui.support.refusals import Refused
from tests.e2e.stalled_terminal import StallingTerminal
from tests.support.push_receiver import KEY, receiving
from tests.support.senex_command import SENEX, Box
from tests.support.smtp_server import Mailbox, smtp_server

PHONE = f"ntfy://{KEY}"
LOGIN = {"TT_SECRET": "secret-ok", "TT_REFRESH": "refresh-ok"}


class Conversation:
    """Answers each question once it is shown."""

    def __init__(self, terminal: StallingTerminal) -> None:
        self.terminal = terminal
        self.said = ""

    def answer(self, *pairs: tuple[str, str]) -> None:
        for question, answer in pairs:
            self.terminal.read_until(question)
            self.said += self.terminal.shown.decode()
            self.terminal.forget()
            self.terminal.press(f"{answer}\n")

    def end(self) -> int:
        code = self.terminal.wait()
        self.said += self.terminal.shown.decode()
        return code


@contextmanager
def conversation(box: Box, **environ: str) -> Iterator[Conversation]:
    terminal = StallingTerminal([str(SENEX), "setup"], box.environment(**environ), box.home)
    try:
        yield Conversation(terminal)
    finally:
        terminal.close()


def files_of(box: Box) -> dict[Path, bytes]:
    """Every file of the user but the log, by its path."""
    return {path: path.read_bytes() for path in box.home.rglob("*") if path.is_file() and "log" not in path.name}


async def test_a_first_run_is_asked_checked_written_and_examined(box: Box, simulator_url: str) -> None:
    mailbox = Mailbox()

    def talk(mail_port: int, address: str) -> tuple[int, str]:
        with conversation(box, SENEX_BROKER__URL=simulator_url) as asked:
            asked.answer(
                ("enter the login now (y/n) [y]: ", ""),
                ("client secret (not shown): ", "secret-wrong"),
                ("refresh token (not shown): ", "refresh-ok"),
                ("try again (y/n) [y]: ", ""),
                ("client secret (not shown): ", "secret-ok"),
                ("refresh token (not shown): ", "refresh-ok"),
                ("switch on, by their last characters [none]: ", "9999"),
                ("was given.", ""),
            )
            asked.answer(
                ("trading.entry_offset_cents [0]: ", "30"),
                ("trading.entry_offset_cents [0]: ", "2"),
                ("set it up (y/n) [n]: ", "y"),
                ("mail.host: ", "bad host"),
                ("mail.host: ", "127.0.0.1"),
                ("mail.security [starttls]: ", "none"),
                ("mail.sender: ", "senex@box.test"),
                ("mail.operator: ", "me@example.com"),
                ("mail.port, or usual [usual]: ", "0"),
                ("mail.port, or usual [usual]: ", str(mail_port)),
                ("mail.user, or none [none]: ", ""),
                ("send a test message now (y/n) [y]: ", ""),
                ("set it up (y/n) [n]: ", "y"),
                ("address (not shown): ", address),
                ("one more (y/n) [n]: ", ""),
                ("send a test message now (y/n) [y]: ", ""),
                ("tmux, or a service of systemd [tmux]: ", "systemd"),
                ("write it (y/n) [n]: ", "y"),
            )
            return asked.end(), asked.said

    async with smtp_server(mailbox) as port, receiving() as receiver:
        code, said = await asyncio.to_thread(talk, port, receiver.address)
        assert [got["Subject"] for got in mailbox.taken] == ["Senex: test message"]
        assert receiver.subjects == ["Senex: test message"]
    assert "login primary is not kept: " in said
    assert "the broker takes it; it reaches …0001" in said
    assert "an account must be the last characters of one of …0001; '9999' was given." in said
    assert "trading.entry_offset_cents must be a whole number from 0 to 25; 30 was given." in said
    assert (
        'mail.host must be the name or address of a mail server, like smtp.example.com; "bad host" was given.' in said
    )
    assert "phone: sent through json://****: JSON took it" in said
    assert "The doctor" in said
    assert code in (0, 1), said  # the doctor's: this machine may have little to say for itself
    for hidden in ("secret-wrong", "secret-ok", "refresh-ok", KEY):
        assert hidden not in said
    assert stat.S_IMODE(box.config_file.stat().st_mode) == 0o600
    settings = load_settings(box.config_file, {}).settings
    assert settings.trading.entry_offset_cents == 2
    assert (settings.mail.host, settings.mail.operator) == ("127.0.0.1", "me@example.com")
    assert "mail.port must be a whole number from 1 to 65535; 0 was given." in said
    assert settings.notify.urls == (receiver.address,)
    assert not box.credentials_file.exists(), "the login of a simulated broker is not kept"
    unit = (box.home / ".config" / "systemd" / "user" / "senex.service").read_text()
    assert "senex-tmux.sh serve\n" in unit
    assert "%h/senex" not in unit
    hiding = {path for path, content in files_of(box).items() if b"secret-ok" in content or KEY.encode() in content}
    assert hiding == {box.config_file}


def test_enter_alone_changes_nothing_of_what_is_there(box: Box, simulator_url: str) -> None:
    text = "# mine\n[trading]\nentry_offset_cents = 7   # as agreed\n"
    box.write(box.config_file, text, mode=0o640)
    with conversation(box, SENEX_BROKER__URL=simulator_url, **LOGIN) as asked:
        asked.answer(
            ("give another one (y/n) [n]: ", ""),
            ("switch on, by their last characters [none]: ", ""),
            ("trading.entry_offset_cents [7]: ", ""),
            ("set it up (y/n) [n]: ", ""),
            ("6. Phone", ""),
            ("tmux, or a service of systemd [tmux]: ", ""),
        )
        asked.end()
    assert "Nothing is to be changed." in asked.said
    assert "primary: client secret ****, refresh token ****, from the environment" in asked.said
    assert box.config_file.read_text() == text
    assert set(files_of(box)) == {box.config_file}


def test_an_account_is_switched_on_before_any_console_has_run(box: Box, simulator_url: str) -> None:
    with conversation(box, SENEX_BROKER__URL=simulator_url, **LOGIN) as asked:
        asked.answer(
            ("give another one (y/n) [n]: ", ""),
            ("switch on, by their last characters [none]: ", "0001"),
            ("trading.entry_offset_cents [0]: ", ""),
            ("set it up (y/n) [n]: ", ""),
            ("6. Phone", ""),
            ("tmux, or a service of systemd [tmux]: ", ""),
            ("write it (y/n) [n]: ", "y"),
        )
        asked.end()
    listed = box.run("accounts", SENEX_BROKER__URL=simulator_url, **LOGIN)
    assert "…0001    on" in listed.stdout, asked.said + listed.stdout


@pytest.mark.parametrize("how", ["ctrl+c", "end of input", "no"])
def test_given_up_nothing_is_written(box: Box, simulator_url: str, how: str) -> None:
    with conversation(box, SENEX_BROKER__URL=simulator_url, **LOGIN) as asked:
        asked.answer(
            ("give another one (y/n) [n]: ", ""),
            ("switch on, by their last characters [none]: ", "0001"),
            ("trading.entry_offset_cents [0]: ", "3"),
        )
        if how == "no":
            asked.answer(
                ("set it up (y/n) [n]: ", ""),
                ("6. Phone", ""),
                ("tmux, or a service of systemd [tmux]: ", "systemd"),
                ("write it (y/n) [n]: ", ""),
            )
        else:
            asked.terminal.read_until("set it up (y/n) [n]: ")
            if how == "ctrl+c":
                os.kill(asked.terminal.process.pid, signal.SIGINT)
            else:
                asked.terminal.press("\x04")
        assert asked.end() == 130
    assert "given up; nothing was written." in asked.said
    assert files_of(box) == {}


def test_without_a_terminal_it_is_one_sentence(box: Box) -> None:
    done = box.run("setup")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("senex: senex setup asks questions, which needs a terminal; without one ")
    assert done.stderr.count("\n") == 1


def test_live_needs_the_typed_word(box: Box) -> None:
    with conversation(box) as asked:
        asked.answer(("mode [dry-run]: ", "paper"), ("mode [dry-run]: ", "live"), ("Enter for dry-run", "live"))
        asked.answer(("enter the login now (y/n) [y]: ", "n"), ("trading.entry_offset_cents [0]: ", ""))
        asked.terminal.press("\x04")
        asked.end()
    assert "the answer must be one of dry-run, sandbox, live; 'paper' was given." in asked.said
    assert "mode dry-run." in asked.said


@pytest.mark.parametrize("keyring_works", [True, False])
def test_secrets_go_into_the_keyring_or_else_into_files_of_their_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keyring_works: bool
) -> None:
    import keyring

    kept: dict[str, str] = {}
    monkeypatch.setattr(keyring, "set_password", lambda service, name, value: kept.update({name: value}))
    monkeypatch.setattr(keyring, "get_password", lambda service, name: kept.get(name) if keyring_works else None)
    folders = Folders(tmp_path / "config", tmp_path, tmp_path, tmp_path)
    file = folders.config / "config.toml"
    before = NotifySettings(urls=("ntfy://older",), keyring=not keyring_works)
    folders.config.mkdir()
    file.write_text(f'[notify]\nurls = ["ntfy://older"]\nkeyring = {str(before.keyring).lower()}\n')
    plan = Plan(
        {"trading.entry_offset_cents": 2},
        ("secret-one", "refresh-one"),
        True,
        mail_password="post",
        phones=(PHONE,),
        notify=before,
    )
    said = " ".join((*plan.words(folders, file), *write(plan, folders, file)))
    assert not [one for one in ("secret-one", "refresh-one", "post\n", PHONE) if one in said]
    written = {path.name: path.read_text() for path in folders.config.iterdir()}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders.config.iterdir()} == {0o600}
    settings = load_settings(file, {}).settings
    assert settings.trading.entry_offset_cents == 2
    if keyring_works:
        assert kept == {
            "TT_SECRET": "secret-one", "TT_REFRESH": "refresh-one", "mail password": "post", "notify urls": PHONE
        }  # fmt: skip
        assert written.keys() == {"config.toml"}
        assert (settings.notify.keyring, settings.notify.urls) == (True, ())
    else:
        assert written["credentials"] == 'TT_SECRET = "secret-one"\nTT_REFRESH = "refresh-one"\n'
        assert written["environment"] == "SENEX_MAIL_PASSWORD=post\n"
        assert (settings.notify.keyring, settings.notify.urls) == (False, (PHONE,))


ENVIRONMENT = (
    b"\xef\xbb\xbf# what only the environment carries, caf\xe9\n"
    b"SENEX_MAIL_PASSWORD=old one\r\n"
    b"SENEX_Notify__Urls=ntfy://older\n"
    b"TT_SECRET=old-secret\nTT_REFRESH=old-refresh\nTT_SECRET_ROTH=another\n"
    b"SENEX_TRADING__ENTRY_OFFSET_CENTS=9\n"
    b"#SENEX_MAIL_PASSWORD=a comment\n"
    b"FOO=\xff=\tbar"
)


@pytest.mark.parametrize("keyring_works", [True, False])
def test_what_is_replaced_no_longer_stands_in_the_environment_where_it_would_win(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keyring_works: bool
) -> None:
    import keyring

    kept: dict[str, str] = {}
    monkeypatch.setattr(keyring, "set_password", lambda service, name, value: kept.update({name: value}))
    monkeypatch.setattr(keyring, "get_password", lambda service, name: kept.get(name) if keyring_works else None)
    folders = Folders(tmp_path, tmp_path, tmp_path, tmp_path)
    file, environment = tmp_path / "config.toml", tmp_path / "environment"
    environment.write_bytes(ENVIRONMENT)
    environment.chmod(0o600)
    plan = Plan(
        {"trading.entry_offset_cents": 2}, ("secret-one", "refresh-one"), True, mail_password="a b", phones=(PHONE,)
    )
    announced = " ".join(plan.words(folders, file))
    said = " ".join(write(plan, folders, file))
    names = "SENEX_TRADING__ENTRY_OFFSET_CENTS, TT_SECRET, TT_REFRESH, SENEX_MAIL_PASSWORD, SENEX_NOTIFY__URLS"
    assert f"{names}: the old line in {environment} goes" in announced
    assert "left out of" in said
    expected = (
        b"\xef\xbb\xbf# what only the environment carries, caf\xe9\n"
        b"TT_SECRET_ROTH=another\n#SENEX_MAIL_PASSWORD=a comment\nFOO=\xff=\tbar"
    )
    assert environment.read_bytes() == expected + (b"" if keyring_works else b"\nSENEX_MAIL_PASSWORD=a b\n")
    assert stat.S_IMODE(environment.stat().st_mode) == 0o600
    before = environment.read_bytes()
    list(write(Plan({"trading.width": 4}), folders, file))
    assert environment.read_bytes() == before, "nothing of it was replaced"


def test_a_settings_file_that_is_no_utf_8_keeps_everything_from_being_written(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "config", tmp_path, tmp_path, tmp_path)
    file = tmp_path / "mine.toml"
    file.write_bytes(b"# caf\xe9\n")
    plan = Plan({"trading.entry_offset_cents": 2}, ("secret-one", "refresh-one"), True, mail_password="post")
    with pytest.raises(Refused, match="is not UTF-8 text; save it as UTF-8"):
        list(write(plan, folders, file))
    assert not folders.config.exists()


@pytest.mark.parametrize("unreadable", ["environment", "credentials", "config.toml"])
def test_what_cannot_be_read_is_met_before_the_first_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unreadable: str
) -> None:
    import keyring

    kept: dict[str, str] = {}
    monkeypatch.setattr(keyring, "set_password", lambda service, name, value: kept.update({name: value}))
    monkeypatch.setattr(keyring, "get_password", lambda service, name: kept.get(name))
    folders = Folders(tmp_path, tmp_path, tmp_path, tmp_path)
    (tmp_path / unreadable).mkdir()
    plan = Plan({"trading.width": 4}, ("secret-one", "refresh-one"), True, mail_password="post", phones=(PHONE,))
    with pytest.raises((OSError, CredentialsError)):
        list(write(plan, folders, tmp_path / "config.toml"))
    assert kept == {}
    assert [path.name for path in tmp_path.iterdir()] == [unreadable]


def test_answers_are_understood_as_the_settings_understand_them(box: Box) -> None:
    """A broker that is down, an offset in hexadecimal, a user of digits, a password with blanks, the usual port."""
    box.write(
        box.config_file,
        '[mail]\nhost = "127.0.0.1"\nsecurity = "none"\nport = 99 # odd\nsender = "a@b.test"\noperator = "a@b.test"\n',
    )
    with conversation(box, SENEX_BROKER__URL="http://127.0.0.1:1", **LOGIN) as asked:
        asked.answer(
            ("give another one (y/n) [n]: ", ""),
            ("leave it as it is and go on (y/n) [y]: ", ""),
            ("trading.entry_offset_cents [0]: ", "0x5"),
            ("change it (y/n) [n]: ", "y"),
            ("mail.host [127.0.0.1]: ", ""),
            ("mail.security [none]: ", ""),
            ("mail.sender [a@b.test]: ", ""),
            ("mail.operator [a@b.test]: ", ""),
            ("mail.port, or usual [99]: ", "usual"),
            ("mail.user, or none [none]: ", "0012345"),
            ("password of the mail server (not shown): ", "abcd efgh"),
            ("send a test message now (y/n) [y]: ", "n"),
            ("set it up (y/n) [n]: ", "y"),
            ("address (not shown): ", f"ntfy://{KEY}/first/second"),
            ("one more (y/n) [n]: ", ""),
            ("names 2 targets", ""),
            ("tmux, or a service of systemd [tmux]: ", ""),
            ("write it (y/n) [n]: ", "y"),
        )
        assert asked.end() in (0, 1), asked.said
    settings = load_settings(box.config_file, {}).settings
    assert settings.trading.entry_offset_cents == 5
    assert (settings.mail.user, settings.mail.port) == ("0012345", 25)
    assert "port = 25 # odd" in box.config_file.read_text()
    assert (box.config_file.parent / "environment").read_text() == "SENEX_MAIL_PASSWORD=abcd efgh\n"
    doctor = asked.said.rpartition("The doctor")[2]
    assert "there is no password for it" not in doctor, "the doctor does not see what was just written"
    assert "127.0.0.1:25 (none)" in doctor
    assert "abcd efgh" not in asked.said
    assert KEY not in asked.said


def test_a_settings_file_that_cannot_be_changed_keeps_everything_from_being_written(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "config", tmp_path, tmp_path, tmp_path)
    file = tmp_path / "mine.toml"
    file.write_text("trading.width = 3\n")
    plan = Plan({"trading.entry_offset_cents": 2}, ("secret-one", "refresh-one"), True, mail_password="post")
    with pytest.raises(Refused, match=r"set trading\.entry_offset_cents in it by hand"):
        list(write(plan, folders, file))
    assert not folders.config.exists()
    assert file.read_text() == "trading.width = 3\n"


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("", "\n[trading]\nwidth = 5\n"),
        ("[trading]\nlive = false\n", "[trading]\nlive = false\nwidth = 5\n"),
        ("[trading]\nwidth = 3 # old\n[mail]\nport = 1\n", "[trading]\nwidth = 5 # old\n[mail]\nport = 1\n"),
        ("[trading]\n  width=[3, '#'] \t# old # er", "[trading]\n  width=5 \t# old # er\n"),
        ('[trading]\nwidth = "a\\"#b" #c\n', "[trading]\nwidth = 5 #c\n"),
        ("[trading]\r\nlive = false\r\n[mail]\r\n", "[trading]\r\nlive = false\r\nwidth = 5\r\n[mail]\r\n"),
        ("\ufeff[trading]\nwidth = 3\n", "\ufeff[trading]\nwidth = 5\n"),
        ("\ufeff[mail]\n", "\ufeff[mail]\n\n[trading]\nwidth = 5\n"),
        (
            "[trading]\nlive = false\n\n# How mail goes\n[mail]\n",
            "[trading]\nlive = false\nwidth = 5\n\n# How mail goes\n[mail]\n",
        ),
        ("[trading]\n# mine\n# [mail]\n", "[trading]\nwidth = 5\n# mine\n# [mail]\n"),
        (
            "[trading]\nunderlyings = [\n'QQQ', # it\n]\n#\n",
            "[trading]\nunderlyings = [\n'QQQ', # it\n]\nwidth = 5\n#\n",
        ),
        ("[mail]\nuser = 'a\u2028b'\n", "[mail]\nuser = 'a\u2028b'\n\n[trading]\nwidth = 5\n"),
        ("[mail]\nwidth = 'x'\n", "[mail]\nwidth = 'x'\n\n[trading]\nwidth = 5\n"),
    ],
)
def test_single_settings_are_changed_and_every_other_line_stays(text: str, changed: str) -> None:
    assert with_settings(text, {"trading.width": 5}).lstrip() == changed.lstrip()


@pytest.mark.parametrize(
    "text",
    [
        "trading.width = 3\n",
        "trading = { width = 3 }\n",
        "[trading]\nunderlyings = [\n'QQQ',\nwidth = 1\n",
        "[[trading]]\n",
    ],
)
def test_a_file_that_is_written_otherwise_is_left_alone(text: str) -> None:
    with pytest.raises(NotChanged) as refused:
        with_settings(text, {"trading.width": 5})
    assert refused.value.lines == ("trading.width = 5",)
