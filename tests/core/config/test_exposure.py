"""What the settings and folders leave open to others: who may read it, what to do, and what live refuses."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.config.exposure import Exposure, file_exposures, network_exposures
from core.config.folders import Folders
from core.config.loader import Loaded, load_settings

PG = "postgresql+asyncpg://senex@"
MAIL = {"SENEX_MAIL__SENDER": "a@b.test", "SENEX_MAIL__OPERATOR": "a@b.test", "SENEX_MAIL__HOST": "mail.example.com"}
PLAIN_RECORDS = "live does not send records to db.example.com unencrypted: write ?sslmode=verify-full in database.url."


def over_the_network(pg: dict[str, str] | None = None, **environ: str) -> tuple[Exposure, ...]:
    return network_exposures(load_settings(None, environ).settings, pg or {})


@pytest.mark.parametrize(
    "url",
    [
        f"{PG}db.example.com/x",
        f"{PG}db.example.com/x?sslmode=disable",
        f"{PG}db.example.com/x?sslmode=allow",
        f"{PG}db.example.com/x?ssl=prefer",
        f"{PG}/x?host=db.example.com",
        f"{PG}/x?host=/run/postgresql,db.example.com:5433",
    ],
)
def test_records_that_may_pass_the_network_readable(url: str) -> None:
    [found] = over_the_network(SENEX_DATABASE__URL=url)
    assert (found.about, found.live) == ("records", PLAIN_RECORDS)
    assert found.sentence.endswith(
        "lets the records go to db.example.com unencrypted; write ?sslmode=verify-full in database.url"
    )


@pytest.mark.parametrize(
    "url",
    [
        f"{PG}db.example.com/x?sslmode=verify-full",
        f"{PG}db.example.com/x?ssl=verify-ca",
        f"{PG}db.example.com/x?sslrootcert=system",
        f"{PG}localhost/x",
        f"{PG}127.0.0.1:5433/x",
        f"{PG}[::1]/x",
        f"{PG}/x?host=/run/postgresql",
    ],
)
def test_records_that_nobody_else_reads(url: str) -> None:
    assert over_the_network(SENEX_DATABASE__URL=url) == ()


def test_encrypted_to_an_unchecked_server_is_a_warning_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    url = f"{PG}db.example.com/x?sslmode=require"
    [found] = over_the_network(SENEX_DATABASE__URL=url)
    assert (found.found, found.live) == ("db.example.com is encrypted, but the server is not checked", "")
    (tmp_path / ".postgresql").mkdir()
    (tmp_path / ".postgresql" / "root.crt").touch()
    assert over_the_network(SENEX_DATABASE__URL=url) == (), "the authority there is checked, as PostgreSQL does"


def test_the_servers_own_variables_count() -> None:
    url = f"{PG}db.example.com/x"
    assert over_the_network({"PGSSLMODE": "verify-full"}, SENEX_DATABASE__URL=url) == ()
    assert over_the_network({"PGSSLMODE": "verify-full"}, SENEX_DATABASE__URL=f"{url}?sslmode=prefer")
    assert over_the_network({"PGHOST": "db.example.com"}, SENEX_DATABASE__URL=f"{PG}/x")
    assert over_the_network({"PGHOST": "/run/postgresql"}, SENEX_DATABASE__URL=f"{PG}/x") == ()


@pytest.mark.parametrize(
    ("url", "exposed"),
    [
        ("redis://redis.example.com:6379/0", True),
        ("redis://10.0.0.5", True),
        ("rediss://redis.example.com", False),
        ("redis://127.0.0.1:6379", False),
        ("redis://localhost", False),
        ("redis://[::1]:6379", False),
        ("unix:///run/redis.sock", False),
    ],
)
def test_quotes_and_screen_that_pass_the_network_readable(url: str, exposed: bool) -> None:
    found = over_the_network(SENEX_REDIS__URL=url)
    assert [each.about for each in found] == ["redis"] * exposed
    for each in found:
        assert each.live.endswith("unencrypted: write rediss:// in redis.url.")


def test_mail_without_tls_is_a_warning_only() -> None:
    [found] = over_the_network(**MAIL, SENEX_MAIL__SECURITY="none")
    assert (found.about, found.found, found.live) == ("mail", "mails go to mail.example.com unencrypted", "")
    assert over_the_network(**MAIL) == ()
    assert over_the_network(**(MAIL | {"SENEX_MAIL__HOST": "localhost"}), SENEX_MAIL__SECURITY="none") == ()


@pytest.fixture
def here(tmp_path: Path) -> Folders:
    made = Folders(*(tmp_path / name for name in ("config", "data", "state", "logs")))
    for folder in (made.config, made.data, made.state, made.records("live").parent):
        folder.mkdir(mode=0o755)
    return made


def loaded(here: Folders, text: str, mode: int = 0o644, **environ: str) -> Loaded:
    file = here.config / "config.toml"
    file.write_text(text)
    file.chmod(mode)
    return load_settings(file, environ)


SECRETS = {
    "database.url": f'[database]\nurl = "{PG.replace("@", ":hidden@")}localhost/x"\n',
    "redis.url": '[redis]\nurl = "redis://:hidden@localhost"\n',
    "ping.url": '[ping]\nurl = "https://ping.example.com/hidden"\n',
}


@pytest.mark.parametrize("name", SECRETS)
def test_a_settings_file_with_a_secret_that_others_may_read(here: Folders, name: str) -> None:
    for mode in (0o644, 0o640, 0o604):
        [found] = file_exposures(loaded(here, SECRETS[name], mode), here, "live")
        file = here.config / "config.toml"
        assert found.sentence == f"{file} holds a secret ({name}) and others may read it; run: chmod 600 '{file}'"
        assert found.live == ""
    assert file_exposures(loaded(here, SECRETS[name], 0o600), here, "live") == ()


def test_a_settings_file_without_a_secret_is_anybodys_to_read(here: Folders) -> None:
    assert file_exposures(loaded(here, f'[database]\nurl = "{PG}localhost/x"\n'), here, "live") == ()
    elsewhere = loaded(here, "", SENEX_REDIS__URL="redis://:hidden@localhost")
    assert file_exposures(elsewhere, here, "live") == (), "it is in the environment, not in the file"


@pytest.mark.parametrize("which", ["config", "data", "state", "mode"])
@pytest.mark.parametrize("mode", [0o777, 0o775, 0o1777])
def test_a_folder_that_others_may_change(here: Folders, which: str, mode: int) -> None:
    folder = here.records("live").parent if which == "mode" else getattr(here, which)
    folder.chmod(mode)
    [found] = file_exposures(load_settings(None, {}), here, "live")
    assert found.about == "disk"
    assert found.sentence.startswith(f"others may write in {folder}, where ")
    assert found.sentence.endswith(f"; run: chmod 700 '{folder}'")
    assert found.live == f"live does not start while {found.sentence}"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs the right to give a folder away")
def test_a_folder_of_another_user(here: Folders) -> None:
    os.chown(here.data, 65_534, 65_534)
    [found] = file_exposures(load_settings(None, {}), here, "live")
    assert found.sentence.startswith(f"another user owns {here.data}, where HALT and the records are; run: sudo chown")


def test_folders_that_are_not_there_yet_are_fine(tmp_path: Path) -> None:
    nowhere = Folders(*(tmp_path / name for name in ("config", "data", "state", "logs")))
    assert file_exposures(load_settings(None, {}), nowhere, "live") == ()
