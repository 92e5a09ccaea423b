"""The figures of a step's event turned back into the values they were taken from (rules 4 to 8)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from core.domain.market.chain import OptionSymbols
from core.domain.market.judgement import DEFAULT_MINIMUM_SCORE, Direction, Factor, Judgement, Regime
from core.domain.operation.events import Event, StepResult
from core.domain.operation.figures import Figures
from core.domain.operation.reasons import Refusal
from core.domain.trident.entry_price import EntryPrice
from core.domain.trident.pricing import LegQuote, Pricing, PricingRefusal, pricing_of
from core.domain.trident.trident import Trident, trident_with
from core.records.repositories.rows import SuggestionRecord

FACTOR = re.compile(r"(.*) \(([+-][0-9.E+-]+)\)", re.DOTALL)
"""A factor of the score: its input, and its points in brackets."""
_LEG = re.compile(r"bid (\S+) ask (\S+) age (?:none|([0-9.]+) s)")
_HEAD = ("score", "minimum", "regime")
"""The figures of a judgement that come before its factors."""
_NO_SYMBOLS = (OptionSymbols("", ""),) * 4


def judgement_from(event: Event) -> Judgement | None:
    """The judgement that the step made; None when it was refused before there was one."""
    figures = dict(event.figures)
    if event.underlying is None or "score" not in figures or "regime" not in figures:
        return None
    found = [(name, match) for name, value in event.figures if (match := FACTOR.fullmatch(str(value)))]
    factors = tuple(Factor(name, match[1], Decimal(match[2])) for name, match in found)
    inputs = {factor.name: factor.shown for factor in factors}
    minimum = figures.get("minimum")
    return Judgement(
        symbol=event.underlying,
        refusal=_refusal_after(event, {*_HEAD, *inputs}),
        score=_decimal(figures["score"]),
        minimum=minimum if isinstance(minimum, Decimal) else DEFAULT_MINIMUM_SCORE,
        factors=factors,
        direction=next((word for word in Direction if word.value == inputs.get("direction")), None),
        stress=Decimal(inputs["stress"]) if "stress" in inputs else None,
        regime=next((word for word in Regime if word.value == figures["regime"]), Regime.NONE),
    )


def trident_from(event: Event) -> Trident | None:
    """The trident that the step chose, without its options' symbols; None when it chose none."""
    figures = dict(event.figures)
    body, width, expiration = figures.get("body"), figures.get("width"), figures.get("expiration")
    if event.result is not StepResult.PASSED or event.underlying is None:
        return None
    if not (isinstance(body, Decimal) and isinstance(width, Decimal) and isinstance(expiration, date)):
        return None
    return trident_with(event.underlying, str(figures.get("root", "")), expiration, body, width, _NO_SYMBOLS)


def pricing_from(
    event: Event, trident: Trident, suggestion: SuggestionRecord | None
) -> tuple[Trident, Pricing | PricingRefusal | None]:
    """The trident with the symbols it was priced by, and its pricing.

    The quotes are those that the suggestion kept, else the step's own figures, which are shown to half a cent. The
    pricing is None when neither has all four legs.
    """
    kept = _legs_of(event.figures) if suggestion is None else _legs_kept(suggestion)
    if len(kept) != len(trident.legs):
        return trident, None
    whole = trident_with(
        trident.underlying,
        trident.root,
        trident.expiration,
        trident.body,
        trident.width,
        [one.symbols for one in kept],
    )
    put, wing, call, call_wing = (
        LegQuote(leg, one.bid, one.ask, one.age_s) for leg, one in zip(whole.legs, kept, strict=True)
    )
    legs = (put, wing, call, call_wing)
    if event.reason is None:
        return whole, pricing_of(legs, whole.width)
    subtraction = str(dict(event.figures).get("subtraction", ""))
    return whole, PricingRefusal(Refusal(event.reason, event.figures), legs, subtraction)


def entry_price_from(event: Event) -> EntryPrice | None:
    """The entry price that the step found; None when it refused."""
    figures = dict(event.figures)
    values = [figures.get(name) for name in ("mid", "natural", "offset", "raw", "limit")]
    known = [value for value in values if isinstance(value, Decimal)]
    if event.result is not StepResult.PASSED or len(known) != len(values):
        return None
    mid, natural, offset, raw, limit = known
    return EntryPrice(mid, natural, offset, raw, limit, floored=figures.get("floored") is True)


def utilization_from(event: Event, suggestion: SuggestionRecord | None) -> Decimal | None:
    """The utilization that the risk step found: as the suggestion kept it, else the step's own figure, rounded."""
    kept: Mapping[str, Any] = {} if suggestion is None else suggestion.evidence
    exact = kept.get("risk", {}).get("utilization")
    return figure(event, "utilization") if exact is None else Decimal(exact)


def figure(event: Event, name: str) -> Decimal | None:
    """The figure with this name; None when there is none, or when it is no number."""
    return _decimal(dict(event.figures).get(name))


def _refusal_after(event: Event, but: set[str]) -> Refusal | None:
    """The refusal that a judgement carries. Its figures follow those of the judgement itself."""
    if event.reason is None:
        return None
    rest: list[Any] = []
    for name, value in event.figures:
        if name not in but or rest:  # the first figure of every such refusal is the symbol
            rest.append((name, value))
    return Refusal(event.reason, tuple(rest))


@dataclass(frozen=True, slots=True)
class _Quote:
    symbols: OptionSymbols
    bid: Decimal | None
    ask: Decimal | None
    age_s: float | None


def _legs_of(figures: Figures) -> Sequence[_Quote]:
    found = ((name, _LEG.fullmatch(str(value))) for name, value in figures)
    return [
        _Quote(OptionSymbols("", name), _price(match[1]), _price(match[2]), None if not match[3] else float(match[3]))
        for name, match in found
        if match is not None
    ]


def _legs_kept(suggestion: SuggestionRecord) -> Sequence[_Quote]:
    evidence: Mapping[str, Any] = suggestion.evidence
    return [
        _Quote(
            OptionSymbols(leg["symbol"], leg["streamer_symbol"]), _price(leg["bid"]), _price(leg["ask"]), leg["age_s"]
        )
        for leg in evidence["pricing"]["legs"]
    ]


def _price(shown: str) -> Decimal | None:
    return None if shown in ("none", "None") else Decimal(shown.replace(",", ""))


def _decimal(value: object) -> Decimal | None:
    return value if isinstance(value, Decimal) else None
