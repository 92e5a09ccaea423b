"""`senex check` shows every setting with its origin, and no secret."""

from __future__ import annotations

from tests.support.senex_command import Box

LOGIN = {"TT_SECRET": "the-client-secret", "TT_REFRESH": "the-refresh-token"}


def rows(stdout: str) -> dict[str, str]:
    """The rows printed: first column to the rest of the line."""
    pairs = (line.split("  ", 1) for line in stdout.splitlines() if line)
    return {name: " ".join(rest.split()) for name, rest in pairs}


def test_defaults(box: Box) -> None:
    done = box.run("check")
    assert done.returncode == 0
    assert done.stderr == ""
    shown = rows(done.stdout)
    assert shown["mode"] == "dry-run"
    assert shown["credentials"] == "none found; set TT_SECRET and TT_REFRESH, or run `senex login`"
    assert shown["trading.entry_offset_cents"] == "0 default"
    assert shown["schedule.first"] == "09:45 default"
    assert shown["trading.underlyings"] == "QQQ, SPX default"
    assert str(box.home) in shown["data folder"]


def test_each_setting_says_where_it_came_from(box: Box) -> None:
    box.write(box.config_file, "[trading]\nwidth = 5\nentry_offset_cents = 2\n")
    done = box.run("check", SENEX_TRADING__ENTRY_OFFSET_CENTS="4", SENEX_BROKER__URL="http://127.0.0.1:8700")
    shown = rows(done.stdout)
    assert shown["mode"] == "demo"
    assert shown["trading.width"] == f"5 file {box.config_file}"
    assert shown["trading.entry_offset_cents"] == "4 environment SENEX_TRADING__ENTRY_OFFSET_CENTS"
    assert shown["broker.url"] == "http://127.0.0.1:8700 environment SENEX_BROKER__URL"


def test_the_named_settings_file_is_read(box: Box) -> None:
    named = box.write(box.home / "other.toml", "[console]\nrefresh_hz = 2\n")
    assert rows(box.run("check", SENEX_CONFIG=str(named)).stdout)["console.refresh_hz"] == f"2 file {named}"


def test_credentials_are_named_by_their_place_only(box: Box) -> None:
    done = box.run("check", **LOGIN)
    assert rows(done.stdout)["credentials"] == "client secret ****, refresh token ****, from the environment"
    assert "the-client-secret" not in done.stdout + done.stderr
    assert "the-refresh-token" not in done.stdout + done.stderr


def test_the_key_in_the_address_of_a_monitor_is_not_shown(box: Box) -> None:
    done = box.run("check", SENEX_PING__URL="https://hc-ping.com/4f1c0e9a-0000")
    assert rows(done.stdout)["ping.url"] == "https://hc-ping.com/**** environment SENEX_PING__URL"


def test_the_file_is_not_read_for_another_broker(box: Box) -> None:
    box.write(box.credentials_file, "TT_SECRET=the-client-secret\nTT_REFRESH=the-refresh-token\n")
    assert f"from file {box.credentials_file}" in box.run("check").stdout
    elsewhere = box.run("check", SENEX_BROKER__URL="http://127.0.0.1:8700")
    assert rows(elsewhere.stdout)["credentials"].startswith("none found")


def test_the_data_folder_may_be_named_before_and_after_the_command(box: Box) -> None:
    for arguments in (("--data-dir", "there", "check"), ("check", "--data-dir", "there")):
        shown = rows(box.run(*arguments).stdout)
        assert shown["data folder"] == str(box.home / "there")
        assert shown["log folder"] == str(box.home / "there" / "logs")


def test_a_mode_that_does_not_start_is_told_after_the_settings(box: Box) -> None:
    done = box.run("check", SENEX_TRADING__LIVE="true")
    assert done.returncode == 2
    assert rows(done.stdout)["trading.live"] == "true environment SENEX_TRADING__LIVE"
    assert "--live was not given" in done.stderr


MAIL = {
    "SENEX_MAIL__HOST": "127.0.0.1",
    "SENEX_MAIL__SENDER": "senex@box.test",
    "SENEX_MAIL__OPERATOR": "me@example.com",
    "SENEX_MAIL__USER": "senex",
}


def test_the_mail_password_is_named_by_its_place_only(box: Box) -> None:
    assert rows(box.run("check").stdout)["mail password"] == "not needed: mail is off"
    none = rows(box.run("check", **MAIL).stdout)["mail password"]
    assert none == "none found; set SENEX_MAIL_PASSWORD, or `keyring set senex 'mail password'`"
    done = box.run("check", **MAIL, SENEX_MAIL_PASSWORD="a-word-for-the-post")
    assert rows(done.stdout)["mail password"] == "****, from the environment (SENEX_MAIL_PASSWORD)"
    assert "a-word-for-the-post" not in done.stdout + done.stderr
