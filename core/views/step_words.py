"""The event of a step in a trader's words, with the sum behind every figure so that it can be checked by hand (rules 5
to 8)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal

from core.domain.market.judgement import BASE_SCORE
from core.domain.operation import amounts, times
from core.domain.operation.events import Event, Step, StepResult
from core.domain.operation.figures import Figures, FigureValue
from core.views.step_figures import FACTOR

FigureLine = tuple[str, str, Decimal | None]
"""A figure's name, its words, and the points of a factor."""

_SUSPECTED = "suspected"
"""The figure with what may lie behind a refused pricing. It is told beside the refusal."""
_LEG = re.compile(r"bid .* ask .* age .*")


def words_of(event: Event) -> str:
    """The result of the step in a sentence. For a refusal, the refusal's own sentence."""
    if event.result is StepResult.REFUSED:
        suspected = dict(event.figures).get(_SUSPECTED)
        return f"{event.text}; suspected: {suspected}" if suspected else event.text
    f = dict(event.figures)
    match event.step:
        case Step.GUARD:
            return "no entry holds the day, and nothing stops entries"
        case Step.MARKET:
            return f"the broker says {_shown(f.get('market'))}; the session closes at {_shown(f.get('close'))}"
        case Step.ACCOUNT:
            return (
                f"buying power {_dollars(f.get('buying_power'))}, open risk {_dollars(f.get('open_risk'))}, "
                f"open tridents {_shown(f.get('open_tridents'))}"
            )
        case Step.JUDGEMENT:
            return f"score {_points(f.get('score'))}, {_points(f.get('minimum'))} needed"
        case Step.STRIKES:
            return (
                f"{_shown(f.get('trident'))} of {_shown(f.get('expiration'))} ({_shown(f.get('root'))}): "
                f"body {_shown(f.get('body'))} at a price of {_credit(f.get('price'))}, width {_shown(f.get('width'))}"
            )
        case Step.QUOTES:
            return f"a quote of every leg after {_seconds(event)}{_oldest(f)}"
        case Step.PRICING:
            return (
                f"natural {_credit(f.get('natural_credit'))}, mid {_credit(f.get('mid_credit'))} credit; "
                f"max risk {_dollars(f.get('max_risk'))} at natural"
            )
        case Step.RISK:
            return f"max risk {_dollars(f.get('max_risk'))} is within the budget of {_dollars(f.get('budget'))}"
        case Step.LIMIT:
            return f"limit {_credit(f.get('limit'))} credit"
        case Step.SEND if f.get("validated"):
            return "the broker's dry run accepted the order; a dry run sends nothing"
        case Step.SEND:
            return (
                f"order {_shown(f.get('order_id'))} is {_shown(f.get('state'))} at the broker after {_seconds(event)}"
            )
    return event.text


def figure_lines(event: Event, read: Figures = ()) -> Iterator[FigureLine]:
    """The figures below the step, each with the sum it comes from. `read` are the figures of the account step before
    it."""
    match event.step:
        case Step.JUDGEMENT:
            yield from _waterfall(event)
        case Step.PRICING:
            yield from _pricing(event)
        case Step.RISK:
            yield from _risk(event, dict(read))
        case Step.LIMIT if event.result is StepResult.PASSED:
            yield from _limit(event)
        case _ if event.result is StepResult.REFUSED:
            yield from _rest(event)


def _waterfall(event: Event) -> Iterator[FigureLine]:
    factors = [(name, found) for name, value in event.figures if (found := FACTOR.fullmatch(str(value)))]
    f = dict(event.figures)
    if factors:
        yield ("start", "", BASE_SCORE)
        for name, found in factors:
            yield (name, found[1], Decimal(found[2]))
        score = f.get("score")
        if isinstance(score, Decimal):
            yield ("score", f"{_points(f.get('minimum', f.get('needed')))} needed", score)
        yield ("regime", _shown(f.get("regime")), None)
    elif event.result is StepResult.REFUSED:
        yield from _rest(event, "score", "minimum", "regime")


def _pricing(event: Event) -> Iterator[FigureLine]:
    f = dict(event.figures)
    for name, value in event.figures:
        if _LEG.fullmatch(str(value)):
            yield (name, str(value), None)
    for name, label, total in (
        ("subtraction", "natural", "natural_credit"),
        ("mid_subtraction", "mid", "mid_credit"),
    ):
        if name in f:
            package = f"; 2 x put + call = {_credit(f[total])}" if total in f else ""
            yield (label, f"{f[name]}{package}", None)


def _risk(event: Event, read: dict[str, FigureValue]) -> Iterator[FigureLine]:
    f = dict(event.figures)
    capital, budget, used = f.get("capital"), f.get("budget"), f.get("utilization")
    power, open_risk = read.get("buying_power"), read.get("open_risk")
    if isinstance(capital, Decimal):
        yield (
            "capital",
            f"{_dollars(capital)} = buying power {_dollars(power)} + open risk {_dollars(open_risk)}",
            None,
        )
    if isinstance(budget, Decimal):
        tolerance = "tolerance"
        if isinstance(capital, Decimal) and isinstance(open_risk, Decimal) and capital > 0:
            tolerance = f"tolerance {amounts.ratio((budget + open_risk) / capital)}"
        yield ("budget", f"{_dollars(budget)} = capital x {tolerance} - open risk {_dollars(open_risk)}", None)
    if isinstance(used, Decimal):
        yield ("utilization", f"{used * 100:.1f} % of capital x tolerance, this trident included", None)


def _limit(event: Event) -> Iterator[FigureLine]:
    f = dict(event.figures)
    floor = "; natural is the floor, and it bites" if f.get("floored") else ""
    yield (
        "before ticks",
        f"max(mid {_credit(f.get('mid'))} - offset {_credit(f.get('offset'))}, natural {_credit(f.get('natural'))}) "
        f"= {_credit(f.get('raw'))}{floor}",
        None,
    )
    yield ("to the tick", f"{_credit(f.get('limit'))}, a change of {_signed(f.get('rounding'))}", None)


def _oldest(f: dict[str, FigureValue]) -> str:
    """How old the oldest leg's quote is, and whether that is too old. Older records do not say it."""
    age, leg, limit = f.get("oldest_age_s"), f.get("oldest"), f.get("limit_s")
    if age is None:
        return ""
    old = Decimal(str(age))
    if limit is not None and old > Decimal(str(limit)):
        return f", but {_shown(leg)} is {old:,.0f} s old; at most {_shown(limit)} s"
    return f", the oldest {_shown(age)} s old"


def _rest(event: Event, *but: str) -> Iterator[FigureLine]:
    """The figures that the sentence does not already say."""
    said = "" if event.reason is None else event.reason.sentence
    for name, value in event.figures:
        if name not in but and name != _SUSPECTED and f"{{{name}}}" not in said and value is not None:
            yield (name.replace("_", " "), _shown(value), None)


def _shown(value: FigureValue) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{times.minute(value)} ET"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return amounts.plain(value)
    return "unknown" if value is None else str(value)


def _credit(value: FigureValue) -> str:
    return amounts.credit(value) if isinstance(value, Decimal) else _shown(value)


def _signed(value: FigureValue) -> str:
    return amounts.signed(value) if isinstance(value, Decimal) else _shown(value)


def _dollars(value: FigureValue) -> str:
    return amounts.dollars(value) if isinstance(value, Decimal) else "an unknown amount"


def _points(value: FigureValue) -> str:
    return amounts.score(value) if isinstance(value, Decimal) else _shown(value)


def _seconds(event: Event) -> str:
    return "no time told" if event.duration_ms is None else amounts.seconds(event.duration_ms)
