"""Whatever stops the console from starting: one clear sentence with the fix on stderr, exit code 2, no traceback."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.support.senex_command import Box

LOGIN = {"TT_SECRET": "the-client-secret", "TT_REFRESH": "the-refresh-token"}


def refusal(box: Box, *arguments: str, **environ: str) -> str:
    done = box.run(*arguments, **environ)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    return one_sentence(done.stderr)


def refusal_in_terminal(box: Box, *arguments: str, columns: int = 120, rows: int = 40, **environ: str) -> str:
    code, shown = box.run_in_terminal(*arguments, columns=columns, rows=rows, **environ)
    assert code == 2, shown
    return one_sentence(shown)


def one_sentence(text: str) -> str:
    lines = text.splitlines()
    assert len(lines) == 1, text
    assert lines[0].startswith("senex: ")
    assert "Traceback" not in text
    assert "the-client-secret" not in text
    assert "the-refresh-token" not in text
    return lines[0].removeprefix("senex: ")


@pytest.mark.parametrize("command", [("check",), ("once",), ("once", "--json"), ("demo",), ()])
def test_wrong_settings_stop_every_command(box: Box, command: tuple[str, ...]) -> None:
    sentence = refusal(box, *command, SENEX_TRADING__ENTRY_OFFSET_CENTS="40")
    assert sentence.startswith("trading.entry_offset_cents must be a whole number from 0 to 25; 40 was given")


def test_several_wrong_settings_are_a_line_each(box: Box) -> None:
    done = box.run("check", SENEX_TRADING__WIDHT="5", SENEX_CONSOLE__BELL="loud")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 2
    assert "did you mean trading.width?" in done.stderr


def test_a_secret_given_as_a_setting_is_not_repeated(box: Box) -> None:
    sentence = refusal(box, "check", SENEX_CONSOLE__BELL="the-client-secret", **LOGIN)
    assert 'console.bell must be "off", "crit" or "all"; "****" was given' in sentence


def test_a_named_settings_file_that_is_missing(box: Box) -> None:
    assert "does not exist" in refusal(box, "check", SENEX_CONFIG="absent.toml")


def test_malformed_settings(box: Box) -> None:
    box.write(box.config_file, "[trading\n")
    assert "is not valid TOML" in refusal(box, "check")


def test_a_broker_elsewhere_is_never_handed_the_secrets(box: Box) -> None:
    sentence = refusal(box, "once", SENEX_BROKER__URL="http://192.0.2.1:80", **LOGIN)
    assert "it would be handed your secrets" in sentence


@pytest.mark.parametrize("environ", [{"SENEX_CLOCK__SPEED": "60"}, {"SENEX_CLOCK__START": "2026-03-02T09:44:45-05:00"}])
def test_a_shifted_clock_needs_a_simulator(box: Box, environ: dict[str, str]) -> None:
    assert "the real broker does not follow" in refusal(box, "once", **environ, **LOGIN)


@pytest.mark.parametrize(
    ("arguments", "environ", "told"),
    [
        (("--live",), {}, "trading.live is not true in the settings"),
        (("--live", "once"), {}, "trading.live is not true in the settings"),
        ((), {"SENEX_TRADING__LIVE": "true"}, "--live was not given"),
        (
            ("--live", "once"),
            {"SENEX_TRADING__LIVE": "true", "SENEX_BROKER__URL": "http://127.0.0.1:9"},
            "live trades at tastytrade only",
        ),
        (
            ("once",),
            {"SENEX_BROKER__SANDBOX": "true", "SENEX_BROKER__URL": "http://127.0.0.1:9"},
            "name different brokers",
        ),
    ],
)
def test_live_and_sandbox_take_the_whole_word(
    box: Box, arguments: tuple[str, ...], environ: dict[str, str], told: str
) -> None:
    assert told in refusal(box, *arguments, **environ, **LOGIN)


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [(("--live", "once"), {"SENEX_TRADING__LIVE": "true"}), (("once",), {"SENEX_BROKER__SANDBOX": "true"})],
)
def test_live_and_sandbox_need_a_login(box: Box, arguments: tuple[str, ...], environ: dict[str, str]) -> None:
    assert refusal(box, *arguments, **environ).startswith("no credentials found")


def test_no_credentials(box: Box) -> None:
    sentence = refusal(box, "once")
    assert sentence.startswith("no credentials found; set TT_SECRET and TT_REFRESH in the environment")
    assert "senex demo" in sentence


def test_no_credentials_for_another_broker(box: Box) -> None:
    box.write(box.credentials_file, "TT_SECRET=the-client-secret\nTT_REFRESH=the-refresh-token\n")
    sentence = refusal(box, "once", SENEX_BROKER__URL="http://127.0.0.1:8700")
    assert sentence.startswith("no credentials in the environment")


def test_half_a_login(box: Box) -> None:
    assert "TT_REFRESH is not; set both" in refusal(box, "once", TT_SECRET="the-client-secret")


def test_a_credentials_file_that_others_may_read(box: Box) -> None:
    box.write(box.credentials_file, "TT_SECRET=the-client-secret\nTT_REFRESH=the-refresh-token\n", mode=0o644)
    assert f"chmod 600 '{box.credentials_file}'" in refusal(box, "once")


@pytest.mark.parametrize("command", [(), ("demo",)])
def test_no_terminal(box: Box, command: tuple[str, ...]) -> None:
    assert "needs a terminal" in refusal(box, *command, **LOGIN)


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_cannot_draw(box: Box, term: str) -> None:
    assert "TERM" in refusal_in_terminal(box, "demo", TERM=term)


@pytest.mark.parametrize(("columns", "rows"), [(59, 20), (60, 19), (10, 3)])
def test_a_terminal_that_is_too_small(box: Box, columns: int, rows: int) -> None:
    sentence = refusal_in_terminal(box, "demo", columns=columns, rows=rows)
    assert f"needs 60 columns and 20 rows and this terminal has {columns} and {rows}" in sentence


def test_a_data_folder_that_is_a_file(box: Box) -> None:
    (box.home / "there").touch()
    assert f"{box.home / 'there'}" in refusal(box, "--data-dir", "there", "check")


def test_the_simulators_port_is_in_use(box: Box) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert "port is in use" in refusal(box, "simulator", "--port", str(port))


def test_nothing_listens_where_the_broker_should_be(box: Box) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    sentence = refusal(box, "once", SENEX_BROKER__URL=f"http://127.0.0.1:{port}", **LOGIN)
    assert sentence.startswith("the broker could not be used")


@pytest.mark.parametrize("content", [b"not a database, but long enough to look like one" * 20])
def test_a_database_that_cannot_be_read(box: Box, simulator_url: str, content: bytes) -> None:
    database = box.home / "there" / "demo" / "records.sqlite3"
    database.parent.mkdir(parents=True)
    database.write_bytes(content)
    sentence = refusal(
        box,
        *("--data-dir", "there", "once"),
        SENEX_BROKER__URL=simulator_url,
        TT_SECRET="secret-ok",
        TT_REFRESH="refresh-ok",
    )
    assert str(database) in sentence
    assert database.read_bytes() == content


def test_a_wrong_secret(box: Box, simulator_url: str) -> None:
    sentence = refusal(box, "once", SENEX_BROKER__URL=simulator_url, **LOGIN)
    assert "check TT_SECRET and TT_REFRESH" in sentence


def test_what_is_written_is_this_users_alone(box: Box) -> None:
    box.run("--data-dir", "there", "check")
    log = box.home / "there" / "logs" / "senex.log"
    assert log.stat().st_mode & 0o077 == 0
    assert Path(log.parent).stat().st_mode & 0o077 == 0
