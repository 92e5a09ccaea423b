"""A preview as plain values, for JSON: amounts are text, instants have the exchange's offset, accounts are masked."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from core.cycle.preview import Preview, StepRefusal, UnderlyingPreview
from core.domain.market.judgement import Judgement
from core.domain.operation import amounts, times
from core.domain.operation.events import masked
from core.domain.trident.pricing import LegQuote, Pricing, PricingRefusal, subtraction
from core.domain.trident.trident import max_risk
from core.runtime.clock import exchange_time


def preview_values(preview: Preview) -> dict[str, Any]:
    """What a cycle would do for one account, with every reason for which it would not."""
    chosen, reads, exposed = preview.chosen, preview.reads, preview.exposure
    return {
        "account": masked(preview.account),
        "at": times.iso(preview.at),
        "would_send": preview.would_send,
        "underlying": None if chosen is None else chosen.underlying,
        "reasons": _reasons(preview.reasons),
        "account_reasons": _reasons(preview.account_refusals),
        "buying_power": None if reads is None else _text(reads.derivative_buying_power),
        "open_risk": None if exposed is None or exposed.open_risk is None else _text(exposed.open_risk),
        "open_tridents": None if exposed is None else exposed.open_tridents,
        "underlyings": [_underlying(one, preview) for one in preview.underlyings],
    }


def preview_words(preview: Preview) -> str:
    """The same in a sentence: `…0001 would send QQQ 622P/619P/622C/625C at 4.06 credit`."""
    chosen = preview.chosen
    if preview.would_send and chosen is not None and chosen.plan is not None and chosen.limit is not None:
        strikes = f"{chosen.underlying} {chosen.plan.trident.strikes()}"
        return f"{masked(preview.account)} would send {strikes} at {amounts.credit(chosen.limit.limit)} credit"
    why = dict.fromkeys(reason.refusal.sentence() for reason in preview.reasons)
    return f"{masked(preview.account)} would send nothing: {'; '.join(why)}"


def _underlying(one: UnderlyingPreview, preview: Preview) -> dict[str, Any]:
    plan, limit, risk = one.plan, one.limit, one.risk
    pricing = one.pricing if isinstance(one.pricing, Pricing) else None
    below, above = one.break_evens
    trident = None if plan is None else plan.trident
    at_limit = None if trident is None or limit is None else max_risk(trident.width, limit.limit)
    return {
        "underlying": one.underlying,
        "would_pass": one.would_pass,
        "reasons": _reasons((*one.attempt, *one.order)),
        "judgement": None if one.judgement is None else _judgement(one.judgement),
        "price": None if plan is None else _text(plan.price),
        "expiration": None if trident is None else trident.expiration.isoformat(),
        "dte": None if trident is None else (trident.expiration - exchange_time(preview.at).date()).days,
        "root": None if trident is None else trident.root,
        "strikes": None if trident is None else trident.strikes(),
        "body": None if trident is None else _text(trident.body),
        "width": None if trident is None else _text(trident.width),
        "legs": [] if one.pricing is None else [_leg(quote) for quote in one.pricing.legs],
        "subtraction": _subtraction(one.pricing),
        "natural": None if pricing is None else _text(pricing.natural),
        "mid": None if pricing is None else _text(pricing.mid),
        "offset": None if limit is None else _text(limit.offset),
        "limit": None if limit is None else _text(limit.limit),
        "floored": None if limit is None else limit.floored,
        "max_risk": None if pricing is None else _text(pricing.max_risk_natural),
        "max_risk_at_limit": _text(at_limit),
        "budget": None if risk is None else _text(risk.budget),
        "utilization": None if risk is None or risk.utilization is None else _text(round(risk.utilization, 4)),
        "break_evens": [_text(below), _text(above)],
    }


def _subtraction(pricing: Pricing | PricingRefusal | None) -> str | None:
    return None if pricing is None else subtraction(pricing.legs)


def _leg(quote: LegQuote) -> dict[str, Any]:
    leg = quote.leg
    return {
        "role": leg.role.value,
        "action": leg.action.value,
        "quantity": leg.quantity,
        "symbol": leg.symbols.occ,
        "streamer_symbol": leg.symbols.streamer,
        "bid": _text(quote.bid),
        "ask": _text(quote.ask),
        "mid": _text(quote.mid),
        "age_s": None if quote.age_s is None else round(quote.age_s, 1),
    }


def _judgement(judgement: Judgement) -> dict[str, Any]:
    return {
        "passed": judgement.passed,
        "score": _text(judgement.score),
        "minimum": _text(judgement.minimum),
        "direction": None if judgement.direction is None else judgement.direction.value,
        "regime": judgement.regime.value,
        "factors": [{"name": f.name, "input": f.shown, "points": _text(f.points)} for f in judgement.factors],
    }


def _reasons(refused: Sequence[StepRefusal]) -> list[dict[str, Any]]:
    return [
        {
            "step": one.step.word,
            "reason": one.refusal.code,
            "sentence": one.refusal.sentence(),
            "transient": one.refusal.transient,
        }
        for one in refused
    ]


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"
