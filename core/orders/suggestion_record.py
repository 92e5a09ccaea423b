"""Turns a suggestion into its row: figures in columns, the evidence behind them as a document."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from core.broker.port import DryRunAnswer
from core.domain.market.judgement import Judgement
from core.domain.risk.risk import RiskAssessment
from core.domain.trident.pricing import Pricing, subtraction
from core.domain.trident.suggestion import Suggestion
from core.orders.decision import Decision
from core.records.repositories.rows import DryRunRecord, SuggestionRecord


def suggestion_record(decision: Decision, *, validated: bool) -> SuggestionRecord:
    """The row of a decision's suggestion. `validated` marks the one that a dry run validates (rules 9)."""
    suggestion, price = decision.suggestion, decision.price
    evidence: dict[str, object] = {
        "risk": _risk(decision.risk),
        "entry_price": {
            "raw": str(price.raw),
            "limit": str(price.limit),
            "offset": str(price.offset),
            "rounding": str(price.rounding),
            "floored": price.floored,
        },
    }
    row = refused_record(decision.account, decision.session_day, decision.cycle, suggestion)
    return replace(
        row,
        limit=price.limit,
        offset=price.offset,
        max_risk=decision.risk.max_risk,
        evidence={**row.evidence, **evidence},
        validated=validated,
    )


def dry_run_record(suggestion_id: str, answer: DryRunAnswer, at: datetime) -> DryRunRecord:
    """The row of the broker's dry-run answer. `at` is the market instant it was received."""
    return DryRunRecord(
        suggestion_id, at, answer.buying_power_change, answer.new_buying_power, answer.fees, answer.warnings
    )


def refused_record(account: str, day: date, cycle: int, suggestion: Suggestion) -> SuggestionRecord:
    """The row of a suggestion that was refused before it had an entry price. It is kept all the same (rules 7)."""
    trident, pricing = suggestion.trident, suggestion.pricing
    return SuggestionRecord(
        id=suggestion.id,
        cycle=cycle,
        attempt=suggestion.attempt,
        account=account,
        session_day=day,
        at=suggestion.at,
        underlying=trident.underlying,
        expiration=trident.expiration,
        strikes=trident.strikes(),
        body=trident.body,
        width=trident.width,
        natural=pricing.natural,
        mid=pricing.mid,
        limit=None,
        offset=None,
        max_risk=pricing.max_risk_natural,
        evidence={
            "price": str(suggestion.price),
            "pricing": _pricing(pricing),
            "ticks": {"bands": suggestion.expiration.ticks.bands, "fallback": suggestion.expiration.ticks.fallback},
            "judgement": _judgement(suggestion.judgement),
        },
    )


def _pricing(pricing: Pricing) -> dict[str, object]:
    return {
        "natural": str(pricing.natural),
        "mid": str(pricing.mid),
        "subtraction": subtraction(pricing.legs),
        "legs": [
            {
                "role": q.leg.role.value,
                "symbol": q.leg.symbols.occ,
                "streamer_symbol": q.leg.symbols.streamer,
                "bid": str(q.bid),
                "ask": str(q.ask),
                "age_s": None if q.age_s is None else round(q.age_s, 3),
            }
            for q in pricing.legs
        ],
    }


def _judgement(judgement: Judgement) -> dict[str, object]:
    return {
        "score": str(judgement.score),
        "regime": judgement.regime.value,
        "direction": None if judgement.direction is None else judgement.direction.value,
        "stress": str(judgement.stress),
        "factors": [{"name": f.name, "input": f.shown, "points": str(f.points)} for f in judgement.factors],
    }


def _risk(risk: RiskAssessment) -> dict[str, object]:
    shown = ("max_risk", "buying_power", "open_risk", "capital", "budget", "utilization", "open_tridents")
    return {name: None if getattr(risk, name) is None else str(getattr(risk, name)) for name in shown}
