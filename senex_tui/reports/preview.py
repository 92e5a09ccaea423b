"""`senex preview`: what a cycle would do now, as the trader that runs, or an engine made for it, sees it (rules 5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from core.domain.operation import amounts
from core.domain.operation.commands import CommandKind
from core.domain.operation.times import stamp
from core.runtime.user import system_user
from core.views.previews import preview_answer, preview_views
from senex_tui.support.report import Answer, Report
from senex_tui.support.text import hanging, safe, table
from senex_tui.trader.place import Place, with_records
from senex_tui.trader.send_command import DONE, answer_of, send

if TYPE_CHECKING:
    from core.engine.engine import Engine
    from core.records.records import Records
    from core.snapshot.previews import PreviewLeg, PreviewReason, PreviewUnderlying, PreviewView

WAIT_S = 40.0
"""Legs that send no quote are waited for 15 s, and one preview waits for another."""
_WIDTH = 11


async def asked(place: Place, account: str) -> Report | Answer:
    """Has the console that trades there make a preview. An answer instead of a report says why there is none.

    Raises Refused before the first start, RecordsError.
    """
    answer = await send(place, CommandKind.PREVIEW, target=account, wait_s=WAIT_S)
    if answer.exit_code != DONE:
        return answer
    return await with_records(place, lambda records: _report(records, answer.command))


async def made(engine: Engine, account: str) -> Report | Answer:
    """The same by an engine of this process, which runs."""
    command = await engine.preview(f"{system_user()} with senex preview", account)
    records = engine.parts.records
    record = await records.inbox.get(command.id)
    answer = None if record is None else answer_of(record)
    return answer if answer is not None and answer.exit_code != DONE else await _report(records, command.id)


async def _report(records: Records, command: str) -> Report:
    return Report({"previews": await preview_answer(records, command)}, _lines)


def _lines(values: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    for preview in preview_views(values["previews"]):
        lines += [*([""] if lines else []), *_account(preview)]
    return lines or ["no account is known yet."]


def _account(preview: PreviewView) -> list[str]:
    would = f"would send {preview.underlying}" if preview.would_send else "would send nothing"
    lines = [f"account {preview.account}: a cycle {would} now, {stamp(preview.at)}. Nothing was sent."]
    lines += _reasons(preview.account_reasons)
    if preview.buying_power is not None:
        power, risk = amounts.dollars(preview.buying_power), amounts.dollars(preview.open_risk)
        lines.append(f"  {'account':<{_WIDTH}}buying power {power}, open risk {risk}")
    for underlying in preview.underlyings:
        lines += _underlying(underlying)
    return lines


def _underlying(one: PreviewUnderlying) -> list[str]:
    head = "passes" if one.would_pass else "does not pass"
    lines = [f"  {one.underlying} {head}", *_reasons(one.reasons)]
    judged = one.judgement
    if judged is not None and judged.score is not None:
        score, needed = amounts.score(judged.score), amounts.score(judged.minimum)
        lines.append(f"  {'judgement':<{_WIDTH}}score {score}, {needed} needed")
    if one.strikes is not None:
        price = amounts.price(one.price)
        lines.append(f"  {'strikes':<{_WIDTH}}{one.strikes} of {one.expiration}, {one.dte} days, at a price of {price}")
    if one.legs:
        lines += [f"  {line}" for line in _legs(one.legs)]
        lines += hanging(f"  {'sum':<{_WIDTH}}", safe(one.subtraction or ""))
    if one.natural is not None:
        natural, mid = amounts.credit(one.natural), amounts.credit(one.mid)
        risk = amounts.dollars(one.max_risk)
        lines.append(f"  {'pricing':<{_WIDTH}}natural {natural}, mid {mid} credit; max risk {risk} at natural")
    if one.utilization is not None:
        share = amounts.plain(round(100 * one.utilization, 1))
        lines.append(f"  {'risk':<{_WIDTH}}budget {amounts.dollars(one.budget)}, utilization {share} %")
    if one.limit is not None:
        lines += hanging(f"  {'limit':<{_WIDTH}}", _limit(one))
    return lines


def _limit(one: PreviewUnderlying) -> str:
    floor = ", where the natural credit is the floor" if one.floored else ""
    below, above = ("none" if value is None else amounts.price(value) for value in one.break_evens)
    return (
        f"{amounts.credit(one.limit)} credit, offset {amounts.credit(one.offset)}{floor}; "
        f"max risk {amounts.dollars(one.max_risk_at_limit)}; break-evens {below} below, {above} above"
    )


def _legs(legs: Sequence[PreviewLeg]) -> list[str]:
    heads = ("leg", "qty", "bid", "ask", "mid", "age")
    rows = [
        [
            " ".join(leg.symbol.split()),
            str(leg.quantity if leg.action.startswith("Buy") else -leg.quantity),
            *(amounts.credit(value) for value in (leg.bid, leg.ask, leg.mid)),
            "--" if leg.age_s is None else f"{leg.age_s:.1f} s",
        ]
        for leg in legs
    ]
    return table(heads, rows, right=frozenset({"qty", "bid", "ask", "mid"}))


def _reasons(reasons: Sequence[PreviewReason]) -> list[str]:
    return [line for one in reasons for line in hanging(f"  ! {one.step:<{_WIDTH - 2}}", safe(one.sentence))]
