"""`senex notify`, the doctor's row and the settings of phones: as a user types them, against a real receiver."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from core.config.loader import SettingsError, load_settings
from core.config.notify import NotifySettings, is_local, secrets_of_addresses
from tests.support.push_receiver import KEY, Receiver, receiving
from tests.support.senex_command import Box

BROKER = {"TT_SECRET": "secret-ok", "TT_REFRESH": "refresh-ok"}


async def test_the_test_message_arrives_and_each_answer_is_told_without_the_address(box: Box) -> None:
    async with receiving() as good, receiving(Receiver(status=403)) as bad:
        urls = f"{good.address} {bad.address}x"
        done = await asyncio.to_thread(box.run, "notify", "test", SENEX_NOTIFY__URLS=urls)
    assert done.stderr + done.stdout == (
        "phone: sent through json://****: JSON took it\n"
        "phone 2: not sent: json://**** refused the key in the address: 403.\n"
    )
    assert done.returncode == 3
    assert good.subjects == ["Senex: test message"]
    gone = await asyncio.to_thread(box.run, "notify", "test", SENEX_NOTIFY__URLS=good.address)
    assert (gone.returncode, "cannot be reached" in gone.stderr) == (5, True)
    off = await asyncio.to_thread(box.run, "notify", "test")
    assert off.returncode == 2
    assert off.stderr.startswith("senex: no phone is told: notify.urls is not set; set SENEX_NOTIFY__URLS")
    logs = "".join(path.read_text() for path in box.home.rglob("*.log"))
    assert KEY not in logs + done.stdout + done.stderr + gone.stderr


async def test_a_service_that_is_down_costs_the_cycle_nothing_and_gets_everything_later(
    box: Box, simulator_url: str
) -> None:
    async with receiving() as receiver:
        pass
    environ = BROKER | {"SENEX_BROKER__URL": simulator_url, "SENEX_NOTIFY__URLS": receiver.address}
    done = await asyncio.to_thread(box.run, "once", "--wait", "5", **environ)
    assert done.returncode == 0, done.stderr
    looked = await asyncio.to_thread(box.run, "notify", **environ)
    assert "phone       json://****\n" in looked.stdout
    assert "waiting  Senex [demo]: QQQ entry sent at " in looked.stdout
    assert "last: json://**** cannot be reached" in looked.stdout
    two = {"SENEX_NOTIFY__URLS": f"ntfy://a-topic-elsewhere {receiver.address}"}
    both = (await asyncio.to_thread(box.run, "notify", **environ | two)).stdout
    assert "not told    ntfy://****; a demo tells only what is on this machine" in both
    assert "phone       json://****\n" in both, "the console that sends numbers only those that it tells"
    assert "phone 2" not in both
    async with receiving(receiver):
        again = await asyncio.to_thread(box.run, "once", **environ)
    assert again.returncode == 3, again.stderr
    assert receiver.subjects[0].startswith("Senex [demo]: QQQ entry sent at ")
    assert len(receiver.subjects) == len(set(receiver.subjects))
    status = await asyncio.to_thread(box.run, "status", **environ)
    assert "phone       nothing waits\n" in status.stdout, status.stdout
    doctor = await asyncio.to_thread(box.run, "doctor", **environ)
    assert "json://****; nothing was sent, `senex notify test` does" in doctor.stdout
    check = await asyncio.to_thread(box.run, "check", **environ)
    outputs = "".join(one.stdout + one.stderr for one in (done, looked, again, status, doctor, check))
    assert KEY not in outputs
    [records] = box.home.rglob("records.sqlite3")
    with closing(sqlite3.connect(records)) as store, store:
        store.execute(
            "INSERT INTO messages (key, channel, kind, account, subject, text, html, created_at, due_at, attempts,"
            " last_error) SELECT key, 'phone 3', kind, account, subject, text, html, created_at, due_at, 0, ''"
            " FROM messages LIMIT 1"
        )
    left = await asyncio.to_thread(box.run, "notify", **environ)
    assert "phone 3     has no address any more" in left.stdout, left.stdout
    with closing(sqlite3.connect(records)) as store, store:
        store.execute("DELETE FROM messages WHERE channel = 'phone 3'")
    with closing(sqlite3.connect(records)) as store:
        assert KEY not in "\n".join(store.iterdump())
        rows = store.execute("SELECT DISTINCT channel FROM messages").fetchall()
    assert rows == [("phone",)], "without mail nothing is written for it"
    files = {path: path.read_bytes() for path in box.home.rglob("*") if path.is_file()}
    assert [path for path, content in files.items() if KEY.encode() in content] == []


def test_a_settings_file_with_an_address_that_others_may_read_is_told(box: Box) -> None:
    box.write(box.config_file, f'[notify]\nurls = ["ntfy://{KEY}"]\n')
    box.config_file.chmod(0o644)
    doctor = box.run("doctor")
    assert "holds a secret (notify.urls) and others may read it" in doctor.stdout
    assert KEY not in doctor.stdout + doctor.stderr + box.run("check").stdout


@pytest.mark.parametrize(
    "setting",
    [
        'urls = ["Geheim-Wort"]',
        'urls = ["ntfy://"]',
        'urls = ["ntfy://Geheim-Wort x"]',
        'urls = ["ntfy://Geheim-Wort", "ntfy://Geheim-Wort"]',
        'urls = ["ntfy://Geheim-Wort", 5]',
        'urls = "ntfy://Geheim-Wort other"',
    ],
)
def test_a_wrong_address_is_refused_without_telling_it(tmp_path: Path, setting: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"[notify]\n{setting}\n")
    with pytest.raises(SettingsError) as refused:
        load_settings(path, {})
    assert refused.value.sentences[0].startswith("notify.urls must be a list of at most 8 addresses of Apprise")
    assert "**** was given" in refused.value.sentences[0]
    assert "Geheim" not in str(refused.value)


def test_addresses_in_the_environment_stand_with_blanks_between() -> None:
    loaded = load_settings(None, {"SENEX_NOTIFY__URLS": f"ntfy://{KEY} tgram://123456789:abcdef/99"})
    assert loaded.settings.notify.urls == (f"ntfy://{KEY}", "tgram://123456789:abcdef/99")
    assert KEY not in repr(loaded.settings.notify)


@pytest.mark.parametrize(
    ("address", "secrets"),
    [
        ("ntfy://my-secret-topic", {"my-secret-topic"}),
        ("tgram://123456789:abcdefgh/12345678", {"123456789:abcdefgh", "abcdefgh", "12345678"}),
        ("pover://userkey00@tokentoken", {"userkey00", "tokentoken"}),
        ("json://me:pw%2Fpw@127.0.0.1:80/abcdefgh?+X-Key=longvalue", {"pw%2Fpw", "pw/pw", "abcdefgh", "longvalue"}),
    ],
)
def test_every_part_that_may_be_a_key_is_known_to_the_scrubber(address: str, secrets: set[str]) -> None:
    found = set(secrets_of_addresses((address,)))
    assert secrets <= found
    assert address in found
    assert "127.0.0.1:80" not in found, "the operator's own server is no secret"


@pytest.mark.parametrize(
    ("address", "local"),
    [("json://localhost/a", True), ("json://10.0.0.9/a", False), ("ntfy://localhost/a", False)],
)
def test_a_demo_tells_only_what_is_on_this_machine(address: str, local: bool) -> None:
    assert is_local(address) is local


def test_nothing_is_read_from_the_keyring_unless_the_settings_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import keyring

    from core.config.credentials import CredentialsError
    from core.config.notify import find_addresses

    kept = {"notify urls": f"ntfy://{KEY}\n json://localhost/x"}
    asked: list[str] = []

    def get_password(service: str, name: str) -> str | None:
        asked.append(name)
        return kept.get(name)

    monkeypatch.setattr(keyring, "get_password", get_password)
    assert find_addresses(NotifySettings(), environment_only=False) == ()
    assert find_addresses(NotifySettings(keyring=True), environment_only=True) == ()
    assert asked == []
    both = NotifySettings(urls=("ntfy://other-topic",), keyring=True)
    assert find_addresses(both, environment_only=False) == (
        "ntfy://other-topic",
        f"ntfy://{KEY}",
        "json://localhost/x",
    )
    for wrong in ("", "Geheim-Wort"):
        kept["notify urls"] = wrong
        with pytest.raises(CredentialsError) as refused:
            find_addresses(NotifySettings(keyring=True), environment_only=False)
        assert "Geheim" not in str(refused.value)
