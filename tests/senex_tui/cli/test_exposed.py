"""A console whose records or screen others can read or change: live refuses, everything else says it and goes on."""

from __future__ import annotations

import json

import pytest

from tests.support.senex_command import Box

LIVE = {"SENEX_TRADING__LIVE": "true", "TT_SECRET": "sample", "TT_REFRESH": "sample"}
OPEN_DATABASE = "postgresql+asyncpg://senex:hidden-word@db.invalid/senex"
REFUSALS = {
    "SENEX_REDIS__URL": (
        "redis://:hidden-word@redis.invalid",
        "live does not publish to redis.invalid unencrypted: write rediss:// in redis.url.",
    ),
    "SENEX_DATABASE__URL": (
        OPEN_DATABASE,
        "live does not send records to db.invalid unencrypted: write ?sslmode=verify-full in database.url.",
    ),
}


@pytest.mark.parametrize("command", [(), ("--plain",), ("once",), ("run", "--headless"), ("db", "copy")])
@pytest.mark.parametrize("setting", REFUSALS)
def test_live_refuses_to_send_anything_readable(box: Box, setting: str, command: tuple[str, ...]) -> None:
    url, sentence = REFUSALS[setting]
    done = box.run("--live", *command, **LIVE, **{setting: url})
    assert (done.returncode, done.stderr) == (2, f"senex: {sentence}\n")


def test_live_refuses_a_data_folder_that_others_may_change(box: Box) -> None:
    data = box.home / "data"
    data.mkdir()
    data.chmod(0o777)
    done = box.run("--live", "--data-dir", str(data), "once", **LIVE)
    assert done.returncode == 2
    assert (
        f"senex: live does not start while others may write in {data}, where HALT and the records are; " in done.stderr
    )
    assert f"run: chmod 700 '{data}'" in done.stderr


def test_the_commands_that_stop_a_live_console_are_never_refused(box: Box) -> None:
    data = box.home / "data"
    data.mkdir()
    data.chmod(0o777)
    done = box.run("--live", "--data-dir", str(data), "pause", **LIVE, SENEX_REDIS__URL=REFUSALS["SENEX_REDIS__URL"][0])
    assert "there are no records yet" in done.stderr
    assert "live does not" not in done.stderr


def test_a_dry_run_says_it_and_goes_on(box: Box, simulator_url: str) -> None:
    data = box.home / "data"
    data.mkdir()
    data.chmod(0o777)
    box.write(box.config_file, '[redis]\nurl = "redis://:hidden-word@127.0.0.1:1"\n', 0o644)
    given = {"TT_SECRET": "secret-ok", "TT_REFRESH": "refresh-ok", "SENEX_BROKER__URL": simulator_url}
    done = box.run("--data-dir", str(data), "once", "--json", "--wait", "0", **given)
    assert "outcome" in json.loads(done.stdout)
    said = done.stderr.splitlines()
    assert said[0] == (
        f"senex: {box.config_file} holds a secret (redis.url) and others may read it; "
        f"run: chmod 600 '{box.config_file}'."
    )
    assert said[1].startswith(f"senex: others may write in {data}, where HALT and the records are; run: chmod 700 ")


def test_the_doctor_warns_and_says_what_keeps_live_from_starting(box: Box) -> None:
    data = box.home / "data"
    data.mkdir()
    data.chmod(0o777)
    box.write(box.config_file, f'[database]\nurl = "{OPEN_DATABASE}"\n[redis]\nurl = "redis://redis.invalid"\n', 0o644)
    mail = {"HOST": "mail.invalid", "SENDER": "a@b.test", "OPERATOR": "a@b.test", "SECURITY": "none"}
    environ = {f"SENEX_MAIL__{name}": value for name, value in mail.items()}

    def rows(*flags: str, **more: str) -> dict[str, tuple[str, str, str]]:
        done = box.run(*flags, "--data-dir", str(data), "doctor", "--json", **environ, **more)
        assert "hidden-word" not in done.stdout
        return {row["name"]: (row["finding"], row["found"], row["todo"]) for row in json.loads(done.stdout)["rows"]}

    dry = rows()
    assert {name: dry[name][0] for name in ("settings", "records", "redis", "mail", "disk")} == {
        "settings": "WARN", "records": "FAIL", "redis": "WARN", "mail": "WARN", "disk": "WARN"
    }  # fmt: skip
    assert "lets the records go to db.invalid unencrypted" in dry["records"][1]
    assert "quotes and the screen go to redis.invalid unencrypted" in dry["redis"][1]
    assert dry["redis"][2].endswith("; write rediss:// in redis.url")
    assert "mails go to mail.invalid unencrypted" in dry["mail"][1]
    assert "holds a secret (database.url) and others may read it" in dry["settings"][1]
    assert dry["disk"][2] == f"run: chmod 700 '{data}'"
    live = rows("--live", SENEX_TRADING__LIVE="true")
    assert {name: live[name][0] for name in ("redis", "disk")} == {"redis": "FAIL", "disk": "FAIL"}
    assert live["redis"][1].endswith("unencrypted: the console does not start")
