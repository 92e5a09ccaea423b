"""Where the login is looked for, in which order, and what is refused; no secret is ever shown."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from core.config.credentials import Credentials, CredentialsError, find_logins
from core.config.mail import MailSettings
from core.config.mail_password import find_mail_password, mail_password_words
from core.notify.smtp import SmtpMailer
from core.runtime.redaction import redact

IN_ENVIRONMENT = {"TT_SECRET": "env-secret", "TT_REFRESH": "env-refresh"}


class MemoryKeyring(KeyringBackend):
    """A keyring in memory, which can be locked."""

    priority = 1.0  # type: ignore[assignment]

    def __init__(self, values: dict[str, str], *, locked: bool = False) -> None:
        super().__init__()
        self.values = values
        self.locked = locked
        self.reads = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.reads += 1
        if self.locked:
            raise KeyringLocked("locked")
        return self.values.get(username) if service == "senex" else None

    def set_password(self, service: str, username: str, password: str) -> None:
        self.values[username] = password


@pytest.fixture(autouse=True)
def keyring_in_use() -> Iterator[MemoryKeyring]:
    before = keyring.get_keyring()
    memory = MemoryKeyring({})
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


def write(tmp_path: Path, text: str, mode: int = 0o600) -> Path:
    path = tmp_path / "credentials"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def find(environ: dict[str, str], file: Path, *, environment_only: bool = False) -> Credentials | None:
    return next(iter(find_logins(environ, file, environment_only=environment_only)), None)


def test_none_anywhere(tmp_path: Path) -> None:
    assert find({}, tmp_path / "credentials") is None


def test_the_environment_comes_first_then_the_keyring_then_the_file(
    tmp_path: Path, keyring_in_use: MemoryKeyring
) -> None:
    file = write(tmp_path, "TT_SECRET=file-secret\nTT_REFRESH=file-refresh\n")
    keyring_in_use.values = {"TT_SECRET": "ring-secret", "TT_REFRESH": "ring-refresh"}
    assert find(IN_ENVIRONMENT, file) == Credentials("env-secret", "env-refresh", "the environment")
    assert find({}, file) == Credentials("ring-secret", "ring-refresh", "the keyring (service senex)")
    keyring_in_use.values = {}
    assert find({}, file) == Credentials("file-secret", "file-refresh", f"file {file}")


def test_a_locked_keyring_leaves_the_file(tmp_path: Path, keyring_in_use: MemoryKeyring) -> None:
    keyring_in_use.locked = True
    found = find({}, write(tmp_path, "TT_SECRET=a-secret\nTT_REFRESH=a-refresh\n"))
    assert found is not None
    assert found.secret == "a-secret"


def test_another_broker_is_given_the_environment_only(tmp_path: Path, keyring_in_use: MemoryKeyring) -> None:
    keyring_in_use.values = {"TT_SECRET": "ring-secret", "TT_REFRESH": "ring-refresh"}
    unsafe = write(tmp_path, "TT_SECRET=a\nTT_REFRESH=b\n", mode=0o644)
    assert find({}, unsafe, environment_only=True) is None
    assert find(IN_ENVIRONMENT, unsafe, environment_only=True) is not None
    assert keyring_in_use.reads == 0


@pytest.mark.parametrize(
    "text",
    [
        'TT_SECRET = "a-secret"\nTT_REFRESH = "a-refresh"\n',
        "TT_SECRET=a-secret\nTT_REFRESH=a-refresh\n",
        "# mine\nexport TT_SECRET='a-secret'\n\nexport TT_REFRESH=\"a-refresh\"\n",
    ],
)
def test_the_file_is_toml_or_lines(tmp_path: Path, text: str) -> None:
    found = find({}, write(tmp_path, text))
    assert found is not None
    assert (found.secret, found.refresh) == ("a-secret", "a-refresh")


@pytest.mark.parametrize("text", ['TT_SECRET="s1"\nTT_REFRESH="r1"\n', "# mine\nTT_SECRET=s1\nTT_REFRESH=r1\n"])
def test_a_byte_order_mark_before_the_file_is_none_of_its_words(tmp_path: Path, text: str) -> None:
    [login] = find_logins({}, write(tmp_path, f"\ufeff{text}"), environment_only=False)
    assert (login.secret, login.refresh) == ("s1", "r1")


COMMENTED = "s1 # the new one"


@pytest.mark.parametrize("place", ["the environment", "the keyring", "lines", "toml"])
@pytest.mark.parametrize("value", [COMMENTED, "s1\tr1", "s1 r1"])
def test_a_value_with_blanks_in_it_is_refused_and_not_shown(
    tmp_path: Path, keyring_in_use: MemoryKeyring, place: str, value: str
) -> None:
    pair = {"TT_SECRET": value, "TT_REFRESH": "r1"}
    environ = pair if place == "the environment" else {}
    if place == "the keyring":
        keyring_in_use.values = pair
    lines = "".join(f'{name}="{text}"\n' if place == "toml" else f"{name}={text}\n" for name, text in pair.items())
    file = (
        write(tmp_path, lines.replace("\t", "\\t") if place == "toml" else lines)
        if place in ("lines", "toml")
        else None
    )
    with pytest.raises(CredentialsError) as refused:
        find_logins(environ, file or tmp_path / "none", environment_only=False)
    assert "TT_SECRET in " in str(refused.value)
    assert "has blanks in it; write a comment on a line of its own" in str(refused.value)
    assert "s1" not in str(refused.value)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o700])
def test_a_file_that_is_not_0600_is_refused_with_the_command(tmp_path: Path, mode: int) -> None:
    file = write(tmp_path, "TT_SECRET=a-secret\nTT_REFRESH=a-refresh\n", mode)
    with pytest.raises(CredentialsError) as refused:
        find({}, file)
    assert str(refused.value).endswith(f"run: chmod 600 '{file}'")
    assert "a-secret" not in str(refused.value)


@pytest.mark.parametrize(
    "text", ["just words a-secret", "TT_SECRET = 12345\nTT_REFRESH = 1\n", "SECRET=a-secret\n", "[a-secret]\n"]
)
def test_a_file_that_cannot_be_understood_is_refused_without_its_content(tmp_path: Path, text: str) -> None:
    with pytest.raises(CredentialsError, match="cannot be understood") as refused:
        find({}, write(tmp_path, text))
    assert "a-secret" not in str(refused.value)
    assert "12345" not in str(refused.value)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_bytes(b"\xff\xfe")
    file.chmod(0o600)
    with pytest.raises(CredentialsError, match="cannot be understood"):
        find({}, file)


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "credentials").mkdir()
    with pytest.raises(CredentialsError, match="not a plain file"):
        find({}, tmp_path / "credentials")


def test_a_pipe_in_place_of_the_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "credentials", 0o600)
    with pytest.raises(CredentialsError, match="not a plain file"):
        find({}, tmp_path / "credentials")


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"TT_SECRET": "env-secret"}, "TT_SECRET is set in the environment but TT_REFRESH is not; set both."),
        ({"TT_REFRESH": "env-refresh"}, "TT_REFRESH is set in the environment but TT_SECRET is not; set both."),
    ],
)
def test_half_a_pair_is_refused(tmp_path: Path, environ: dict[str, str], sentence: str) -> None:
    with pytest.raises(CredentialsError) as refused:
        find(environ, tmp_path / "credentials")
    assert str(refused.value) == sentence


def test_nothing_shows_in_a_representation() -> None:
    credentials = Credentials("env-secret", "env-refresh", "the environment")
    for shown in (repr(credentials), str(credentials), f"{credentials}"):
        assert "env-secret" not in shown
        assert "env-refresh" not in shown


def test_several_logins_are_found_by_name_each_in_its_first_place(
    tmp_path: Path, keyring_in_use: MemoryKeyring
) -> None:
    file = write(
        tmp_path,
        'TT_SECRET = "file-secret"\nTT_REFRESH = "file-refresh"\n[roth]\nTT_SECRET = "r"\nTT_REFRESH = "s"\n'
        '[wife]\nTT_SECRET = "w"\nTT_REFRESH = "x"\n',
    )
    keyring_in_use.values = {
        "TT_LOGINS": "roth",
        "TT_SECRET roth": "ring-secret",
        "TT_REFRESH roth": "ring-refresh",
    }
    environ = {**IN_ENVIRONMENT, "TT_SECRET_SON_1": "a", "TT_REFRESH_SON_1": "b"}
    found = find_logins(environ, file, environment_only=False)
    assert [(login.name, login.secret, login.origin) for login in found] == [
        ("primary", "env-secret", "the environment"),
        ("roth", "ring-secret", "the keyring (service senex)"),
        ("son-1", "a", "the environment"),
        ("wife", "w", f"file {file}"),
    ]
    assert [login.name for login in find_logins(environ, file, environment_only=True)] == ["primary", "son-1"]


def test_half_of_a_further_login_is_named(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError) as refused:
        find({"TT_SECRET_ROTH": "env-secret"}, tmp_path / "credentials")
    assert str(refused.value) == "TT_SECRET is set in the environment for login roth but TT_REFRESH is not; set both."


@pytest.mark.parametrize(
    "text",
    [
        "[Roth]\nTT_SECRET='a-secret'\nTT_REFRESH='b'\n",
        "[roth]\nTT_SECRET='a-secret'\nTT_REFRESH='b'\nmore='c'\n",
        "[roth]\nTT_SECRET=1\nTT_REFRESH='a-secret'\n",
        "TT_SECRET='a'\nTT_REFRESH='b'\n[primary]\nTT_SECRET='a-secret'\nTT_REFRESH='b'\n",
    ],
)
def test_a_table_that_is_no_login_is_refused_without_its_content(tmp_path: Path, text: str) -> None:
    with pytest.raises(CredentialsError, match="cannot be understood") as refused:
        find({}, write(tmp_path, text))
    assert "a-secret" not in str(refused.value)


def test_the_mail_password_of_the_keyring_is_known_to_every_output(keyring_in_use: MemoryKeyring) -> None:
    settings = MailSettings(host="smtp.example.com", sender="senex@box.test", operator="me@example.com", user="someone")
    keyring_in_use.values = {"mail password": "a-word-in-the-ring"}
    told = mail_password_words(settings, {}, environment_only=False)
    assert told == "****, from the keyring (service senex)"
    assert mail_password_words(settings, {}, environment_only=True) == "none found; set SENEX_MAIL_PASSWORD"
    SmtpMailer(settings, find_mail_password(settings, {}, environment_only=False))
    login = base64.b64encode(b"\0someone\0a-word-in-the-ring").decode()
    assert redact(f"535 no: a-word-in-the-ring, AUTH PLAIN {login}") == "535 no: ****, AUTH PLAIN ****"
