"""Settings from every source, and every kind of wrong setting."""

from __future__ import annotations

from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config.loader import Loaded, SettingsError, load_settings
from core.domain.market.underlying import QQQ, SPX

SIMULATOR = {"SENEX_BROKER__URL": "http://127.0.0.1:8700"}


def from_file(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> Loaded:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, environ or {})


def refusal(environ: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as refused:
        load_settings(None, environ)
    return str(refused.value)


def refusal_of_file(tmp_path: Path, text: str) -> str:
    with pytest.raises(SettingsError) as refused:
        from_file(tmp_path, text)
    return str(refused.value)


def test_the_defaults_are_those_of_the_specification() -> None:
    settings = load_settings(None, {}).settings
    assert settings.broker.url is None
    assert settings.trading.live is False
    assert settings.trading.entry_offset_cents == 0
    assert settings.trading.minimum_score == Decimal(40)
    assert settings.trading.tolerance == Decimal("0.40")
    assert settings.trading.position_limit == 10
    assert settings.trading.stabilization_seconds == 3
    assert settings.preferred_underlyings == (QQQ, SPX)
    assert settings.schedule.slot_times.first == time(9, 45)
    assert settings.schedule.slot_times.last == time(14, 45)
    assert settings.schedule.slot_times.interval_minutes == 15


def test_exits_have_the_settings_of_the_rules_and_targets_a_word_for_none(tmp_path: Path) -> None:
    exits = load_settings(None, {}).settings.exits
    assert (exits.mode, exits.target_put_1, exits.target_put_2, exits.target_call) == (None, 40, 60, 40)
    assert (exits.exit_dte, exits.let_index_expire, exits.call_target_last) == (7, False, False)
    text = '[exits]\nmode = "targets"\ntarget_put_1 = "off"\ntarget_put_2 = 95\nexit_dte = 14\n'
    exits = from_file(tmp_path, text, {"SENEX_EXITS__TARGET_CALL": "off"}).settings.exits
    assert (exits.mode, exits.target_put_1, exits.target_put_2, exits.target_call) == ("targets", "off", 95, "off")
    assert exits.exit_dte == 14


def test_a_byte_order_mark_before_the_settings_is_none_of_their_words(tmp_path: Path) -> None:
    assert from_file(tmp_path, "\ufeff[trading]\nwidth = 5\n").settings.trading.width == 5


def test_every_setting_has_an_origin(tmp_path: Path) -> None:
    loaded = from_file(
        tmp_path, "[trading]\nwidth = 5\nposition_limit = 3\n", {"SENEX_TRADING__POSITION_LIMIT": "4", **SIMULATOR}
    )
    assert loaded.settings.trading.position_limit == 4
    assert loaded.origins["trading.position_limit"] == "environment SENEX_TRADING__POSITION_LIMIT"
    assert loaded.origins["trading.width"] == f"file {tmp_path / 'config.toml'}"
    assert loaded.origins["trading.tolerance"] == "default"
    assert loaded.origins["underlyings.SPX.step"] == "default"


@pytest.mark.parametrize("text", ["0012345", "12345", "true", "1.5", "2026-01-02", '"quoted"'])
def test_text_in_the_environment_needs_no_quotes_whatever_else_it_looks_like(text: str) -> None:
    environ = {"SENEX_MAIL__USER": text, "SENEX_MAIL__PORT": "0x19", "SENEX_CONSOLE__KEYS": '{pause = "f5"}'}
    settings = load_settings(None, environ).settings
    assert settings.mail.user == text.strip('"')
    assert settings.mail.port == 25
    assert settings.console.keys == {"pause": "f5"}


def test_values_in_the_environment_are_written_as_in_the_file() -> None:
    settings = load_settings(
        None,
        {
            "SENEX_TRADING__TOLERANCE": "0.35",
            "SENEX_TRADING__UNDERLYINGS": "SPX, QQQ",
            "SENEX_SCHEDULE__FIRST": "10:00",
            "SENEX_CONSOLE__MOUSE": "true",
            "SENEX_UNDERLYINGS__QQQ__STEP": "4",
            "SENEX_CLOCK__START": "2026-03-02T09:44:45-05:00",
            "SENEX_CLOCK__SPEED": "60",
            **SIMULATOR,
        },
    ).settings
    assert settings.trading.tolerance == Decimal("0.35")
    assert [underlying.symbol for underlying in settings.preferred_underlyings] == ["SPX", "QQQ"]
    assert settings.schedule.first == time(10, 0)
    assert settings.console.mouse is True
    assert settings.underlying("QQQ").step == 4
    assert settings.underlying("QQQ").width_multiple == QQQ.width_multiple
    assert settings.clock.start == datetime(2026, 3, 2, 14, 44, 45, tzinfo=UTC)
    assert settings.clock.speed == 60


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load_settings(None, {"SENEX_TRADING__WIDTH": ""}).settings.trading.width is None


def test_an_empty_broker_address_never_means_the_real_broker() -> None:
    assert "SENEX_BROKER__URL is empty" in refusal({"SENEX_BROKER__URL": ""})


def test_amounts_are_exact(tmp_path: Path) -> None:
    assert str(from_file(tmp_path, "[trading]\ntolerance = 0.1\n").settings.trading.tolerance) == "0.1"


@pytest.mark.parametrize(
    ("variable", "value", "accepted"),
    [
        ("SENEX_TRADING__ENTRY_OFFSET_CENTS", "26", "a whole number from 0 to 25; 26 was given"),
        ("SENEX_TRADING__ENTRY_OFFSET_CENTS", "-1", "a whole number from 0 to 25; -1 was given"),
        ("SENEX_TRADING__ENTRY_OFFSET_CENTS", "4.0", "a whole number from 0 to 25; 4.0 was given"),
        ("SENEX_TRADING__ENTRY_OFFSET_CENTS", "four", 'a whole number from 0 to 25; "four" was given'),
        ("SENEX_TRADING__LIVE", "1", "true or false; 1 was given"),
        ("SENEX_TRADING__LIVE", "yes", 'true or false; "yes" was given'),
        ("SENEX_TRADING__TOLERANCE", "0", "a number above 0, at most 1; 0 was given"),
        ("SENEX_TRADING__TOLERANCE", "nan", "a number above 0, at most 1; NaN was given"),
        ("SENEX_TRADING__TOLERANCE", "true", "a number above 0, at most 1; true was given"),
        ("SENEX_TRADING__STABILIZATION_SECONDS", "-0.1", "a number from 0 to below 15; -0.1 was given"),
        ("SENEX_TRADING__UNDERLYINGS", "IWM", 'a list of QQQ and SPX, each once; "IWM" was given'),
        ("SENEX_TRADING__UNDERLYINGS", "QQQ,QQQ", 'a list of QQQ and SPX, each once; "QQQ,QQQ" was given'),
        ("SENEX_TRADING__UNDERLYINGS", "[]", "a list of QQQ and SPX, each once; [] was given"),
        ("SENEX_SCHEDULE__FIRST", "quarter to ten", 'a time like "09:45"; "quarter to ten" was given'),
        ("SENEX_SCHEDULE__INTERVAL_MINUTES", "0", "a whole number from 1 to 390; 0 was given"),
        ("SENEX_CLOCK__SPEED", "61", "a number from 1 to 60; 61 was given"),
        ("SENEX_CLOCK__SPEED", "1e99999", "a number from 1 to 60; "),
        ("SENEX_CLOCK__START", "2026-03-02", "a date and time with its zone"),
        ("SENEX_CLOCK__START", "2026-03-02T09:44:45", "a date and time with its zone, like 2026-03-02T09:44:45-05:"),
        ("SENEX_CONSOLE__REFRESH_HZ", "3", "1, 2, 4, 5 or 10; 3 was given"),
        ("SENEX_CONSOLE__REFRESH_HZ", "true", "1, 2, 4, 5 or 10; true was given"),
        ("SENEX_CONSOLE__BELL", "loud", '"off", "crit" or "all"; "loud" was given'),
        ("SENEX_UNDERLYINGS__SPX__STEP", "0", "a number above 0; 0 was given"),
        ("SENEX_EXITS__MODE", "on", '"off", "targets" or "all"; "on" was given'),
        ("SENEX_EXITS__TARGET_PUT_1", "0", 'a whole number from 1 to 95, or "off"; 0 was given'),
        ("SENEX_EXITS__TARGET_PUT_2", "96", 'a whole number from 1 to 95, or "off"; 96 was given'),
        ("SENEX_EXITS__TARGET_CALL", "40.0", 'a whole number from 1 to 95, or "off"; 40.0 was given'),
        ("SENEX_EXITS__TARGET_CALL", "true", 'a whole number from 1 to 95, or "off"; true was given'),
        ("SENEX_EXITS__TARGET_CALL", "none", 'a whole number from 1 to 95, or "off"; "none" was given'),
        ("SENEX_EXITS__EXIT_DTE", "31", "a whole number from 1 to 30; 31 was given"),
        ("SENEX_EXITS__EXIT_DTE", "0", "a whole number from 1 to 30; 0 was given"),
        ("SENEX_EXITS__LET_INDEX_EXPIRE", "yes", 'true or false; "yes" was given'),
        ("SENEX_EXITS__CALL_TARGET_LAST", "1", "true or false; 1 was given"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_accepted(variable: str, value: str, accepted: str) -> None:
    section, _, name = variable.removeprefix("SENEX_").partition("__")
    dotted = f"{section.lower()}.{name.lower().replace('__', '.')}".replace("spx", "SPX")
    sentence = refusal({variable: value, **SIMULATOR})
    assert sentence.startswith(f"{dotted} must be {accepted}")
    assert sentence.endswith(f"(environment {variable}).")
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            '[trading]\nentry_offset_cents = "4"\n',
            'trading.entry_offset_cents must be a whole number from 0 to 25; "4"',
        ),
        ('[trading]\ntolerance = "0.4"\n', 'trading.tolerance must be a number above 0, at most 1; "0.4"'),
        ('[trading]\nlive = "true"\n', 'trading.live must be true or false; "true"'),
        ("trading = 3\n", "trading is a section, not a setting"),
        ("[trading]\nlive = { now = true }\n", "trading.live must be true or false; a table"),
        ("[trading]\nunderlyings = [1]\n", "trading.underlyings must be a list of QQQ and SPX, each once; 1"),
    ],
)
def test_a_wrong_type_in_the_file_names_the_file(tmp_path: Path, text: str, sentence: str) -> None:
    told = refusal_of_file(tmp_path, text)
    assert told.startswith(sentence)
    assert f"(file {tmp_path / 'config.toml'})" in told


@pytest.mark.parametrize(
    ("variable", "nearest"),
    [
        ("SENEX_TRADING__ENTRY_OFSET_CENTS", "did you mean trading.entry_offset_cents?"),
        ("SENEX_CLOCK__SPED", "did you mean clock.speed?"),
        ("SENEX_BROKR__URL", "the nearest is broker.url."),
        ("SENEX_UNDERLYINGS__SPY__STEP", "the nearest is underlyings.SPX.step."),
        ("SENEX_SPEED", "the nearest is clock.speed."),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest_name(variable: str, nearest: str) -> None:
    sentence = refusal({variable: "1"})
    assert sentence.startswith("there is no setting ")
    assert f"(environment {variable})" in sentence
    assert sentence.endswith(nearest)


def test_an_unknown_key_in_the_file_is_refused_without_its_value(tmp_path: Path) -> None:
    told = refusal_of_file(tmp_path, '[broker]\nclient_secret = "do-not-show"\n')
    assert told.startswith("there is no setting broker.client_secret (file ")
    assert "do-not-show" not in told


def test_all_wrong_settings_are_told_at_once() -> None:
    sentences = refusal({"SENEX_TRADING__LIVE": "maybe", "SENEX_CLOCK__SPEED": "0", **SIMULATOR}).splitlines()
    assert len(sentences) == 2


def test_malformed_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    assert "is not valid TOML" in refusal_of_file(tmp_path, "[trading]\nlive =\n")
    assert "line 2" in refusal_of_file(tmp_path, "[trading]\nlive =\n")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="not UTF-8"):
        load_settings(path, {})


def test_a_missing_or_unreadable_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="does not exist"):
        load_settings(tmp_path / "absent.toml", {})
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        load_settings(tmp_path, {})


@pytest.mark.parametrize(
    ("given_url", "kept"),
    [
        ("http://127.0.0.1:8700", "http://127.0.0.1:8700"),
        ("http://127.0.0.1:8700/", "http://127.0.0.1:8700"),
        ("http://127.3.2.1", "http://127.3.2.1"),
        ("http://localhost:1", "http://localhost:1"),
        ("http://[::1]:8700", "http://[::1]:8700"),
    ],
)
def test_a_loopback_broker_is_accepted(given_url: str, kept: str) -> None:
    assert load_settings(None, {"SENEX_BROKER__URL": given_url}).settings.broker.url == kept


@pytest.mark.parametrize(
    "url",
    [
        "https://api.tastyworks.com",
        "http://10.0.0.1:8700",
        "http://0.0.0.0:8700",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1@example.com",
        "http://example.com\\@127.0.0.1",
        "http://2130706433",
        "https://127.0.0.1:8700",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:8700/elsewhere",
        "http://localhost.example.com",
        "127.0.0.1:8700",
        "http://[::1",
        "ws://127.0.0.1",
        "http://",
    ],
)
def test_any_other_broker_is_refused_saying_why(url: str) -> None:
    sentence = refusal({"SENEX_BROKER__URL": url})
    assert sentence.startswith("broker.url must be the address of a broker on this machine")
    assert "it would be handed your secrets" in sentence


def test_a_password_in_an_address_is_not_shown() -> None:
    sentence = refusal({"SENEX_BROKER__URL": "http://me:hunter22@127.0.0.1:8700"})
    assert "hunter22" not in sentence


@given(st.text(max_size=60))
def test_no_text_gets_past_the_loopback_rule(text: str) -> None:
    try:
        url = load_settings(None, {"SENEX_BROKER__URL": f"http://{text}"}).settings.broker.url
    except SettingsError:
        return
    host = (url or "").removeprefix("http://").rsplit(":", 1)[0] if url else ""
    assert url is None or host.startswith(("127.", "localhost", "[::1", "[::ffff:7f", "[0"))


@pytest.mark.parametrize(
    ("variable", "value", "name"),
    [
        ("SENEX_CLOCK__SPEED", "2", "clock.speed"),
        ("SENEX_CLOCK__START", "2026-03-02T09:44:45-05:00", "clock.start"),
    ],
)
def test_a_shifted_clock_is_refused_with_the_real_broker_only(variable: str, value: str, name: str) -> None:
    sentence = refusal({variable: value})
    assert sentence.startswith(f"{name} (environment {variable}) shifts market time")
    load_settings(None, {variable: value, **SIMULATOR})
    load_settings(None, {variable: value}, own_simulator=True)


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"SENEX_SCHEDULE__FIRST": "09:29"}, "schedule.first must not be before the market opens at 09:30; 09:29"),
        (
            {"SENEX_SCHEDULE__LAST": "09:40"},
            "schedule.last must not be before schedule.first; 09:40 is before 09:45",
        ),
    ],
)
def test_a_schedule_out_of_order_is_refused(environ: dict[str, str], sentence: str) -> None:
    assert refusal(environ).startswith(sentence)
