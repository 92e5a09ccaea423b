"""Amounts and times have one format: half-cents kept, no signed zero, dollars with two places, ET."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.operation import amounts, times
from core.domain.operation.reasons import Reason, refuse
from tests.support.domain_builders import D

Format = Callable[[D | None], str]
EVERY: tuple[Format, ...] = (
    amounts.credit, amounts.signed, amounts.mean, amounts.money, amounts.dollars, amounts.signed_money,
    amounts.signed_dollars, amounts.percent, amounts.score, amounts.signed_score, amounts.plain,
)  # fmt: skip
VALUES = st.decimals(min_value=D("-100000"), max_value=D("100000"), places=6)


@pytest.mark.parametrize(
    ("shown", "value", "expected"),
    [
        (amounts.credit, "4.1", "4.10"),
        (amounts.credit, "6.745", "6.745"),
        (amounts.credit, "6.8250", "6.825"),
        (amounts.credit, "4.083333", "4.08"),
        (amounts.credit, "-0.005", "-0.005"),
        (amounts.credit, "-0.0004", "0.00"),
        (amounts.credit, "1234.5", "1,234.50"),
        (amounts.credit, "NaN", "NaN"),
        (amounts.signed, "0.05", "+0.05"),
        (amounts.signed, "-0.125", "-0.125"),
        (amounts.signed, "-0.00", "0.00"),
        (amounts.mean, "0.00333", "+0.005"),
        (amounts.mean, "-0.00133", "0.00"),
        (amounts.money, "326", "326.00"),
        (amounts.dollars, "326.5", "326.50 $"),
        (amounts.dollars, "1204", "1,204.00 $"),
        (amounts.dollars, "-12", "-12.00 $"),
        (amounts.signed_dollars, "12", "+12.00 $"),
        (amounts.signed_dollars, "-3.5", "-3.50 $"),
        (amounts.signed_dollars, "-0.001", "0.00 $"),
        (amounts.percent, "0.135", "+0.14%"),
        (amounts.score, "82.3223613500", "82.3"),
        (amounts.score, "39.96", "39.9"),
        (amounts.score, "40", "40.0"),
        (amounts.signed_score, "5", "+5.0"),
        (amounts.signed_score, "-0.04", "-0.1"),
        (amounts.signed_score, "0.04", "0.0"),
        (amounts.plain, "622.00", "622"),
        (amounts.plain, "700", "700"),
        (amounts.plain, "6702.50", "6702.5"),
    ],
)
def test_each_amount_has_its_format(shown: Format, value: str, expected: str) -> None:
    assert shown(D(value)) == expected


@pytest.mark.parametrize("shown", EVERY)
def test_what_is_missing_is_two_dashes(shown: Format) -> None:
    assert shown(None) == "--" == amounts.seconds(None)


@given(VALUES)
def test_no_zero_has_a_sign(value: D) -> None:
    for shown in EVERY:
        assert not re.fullmatch(r"[-+]0(\.0+)?( \$|%)?", shown(value)), shown


@given(VALUES)
def test_credits_have_cents_and_a_third_place_only_for_half_a_cent(value: D) -> None:
    text = amounts.credit(value)
    assert re.fullmatch(r"-?[\d,]+\.\d\d5?", text)
    assert abs(D(text.replace(",", "")) - value) <= D("0.005")
    assert "+" not in text


@given(VALUES)
def test_dollars_have_two_places_and_separated_thousands(value: D) -> None:
    assert re.fullmatch(r"-?\d{1,3}(,\d{3})*\.\d\d \$", amounts.dollars(value))
    signed = amounts.signed_dollars(value)
    assert signed.startswith("+") is (D(signed[:-2].replace(",", "")) > 0)


def test_durations_are_seconds_with_one_place() -> None:
    assert [amounts.seconds(each) for each in (0, 1240, 45_000)] == ["0.0 s", "1.2 s", "45.0 s"]


AT = datetime(2026, 3, 2, 15, 15, 3, tzinfo=UTC)


def test_times_are_exchange_time_with_a_date_when_it_is_not_today() -> None:
    assert (times.clock(AT), times.minute(AT)) == ("10:15:03", "10:15")
    assert (times.clock(None), times.minute(None)) == ("--:--:--", "--:--")
    assert times.when(AT, date(2026, 3, 2)) == "10:15"
    assert times.when(AT, date(2026, 3, 3)) == "Mon 2 Mar 10:15"
    assert times.when(AT, date(2027, 1, 4)) == "Mon 2 Mar 2026 10:15" == times.when(AT, None)
    assert times.moment(AT) == "Mon 2 Mar 2026 10:15:03 ET"
    assert times.iso(AT) == "2026-03-02T10:15:03-05:00"
    assert [times.span(each) for each in (None, -1, 799, 3725)] == ["--", "00:00", "13:19", "1:02:05"]


def test_the_day_is_the_exchange_s_and_not_utc_s() -> None:
    late = datetime(2026, 3, 3, 2, 30, tzinfo=UTC)
    assert times.when(late, date(2026, 3, 2)) == "21:30"


def test_a_refusal_shows_each_decimal_by_what_it_means() -> None:
    raw = D("6.7450000")
    assert refuse(Reason.NATURAL_ABOVE_LIMIT, natural=raw, limit=D("7.1")).sentence() == (
        "the natural credit rose to 6.745, above the limit 7.10"
    )
    assert refuse(Reason.LOW_SCORE, symbol="SPX", score=D("39.9600"), needed=D(40)).sentence() == (
        "SPX scores 39.9; 40.0 needed"
    )
    assert refuse(Reason.RISK_ABOVE_BUYING_POWER, max_risk=D("326.5"), buying_power=D("1204")).sentence() == (
        "max risk 326.50 $ is above the buying power of 1,204.00 $"
    )
    assert refuse(Reason.BODY_MOVED, was=D("622.0"), now=D("624")).sentence() == "the body moved from 622 to 624"
    assert refuse(Reason.POSITION_LIMIT, open=10, limit=10).sentence() == "open tridents: 10; the limit is 10"


@pytest.mark.parametrize("reason", Reason)
def test_no_sentence_has_a_raw_decimal(reason: Reason) -> None:
    names = re.findall(r"\{(\w+)\}", reason.sentence)
    told = refuse(reason, **{name: D("12.3400000") for name in names}).sentence()
    assert not re.search(r"\d\.\d*000", told)
    assert told.count("$") == reason.sentence.count("$")
