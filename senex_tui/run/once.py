"""`senex once`: forces one cycle without a screen and reports its result (rules 4.4)."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from core.domain.operation import amounts
from core.domain.operation.events import masked
from core.domain.operation.outcomes import Outcome, outcome_for
from core.domain.operation.reasons import Reason, Refusal
from core.domain.orders.fate import Fate, day_words, fate_of, fate_words
from core.domain.reporting.told import CycleEnd, Told, told_accounts, told_cycle
from core.runtime.user import system_user
from senex_tui.run.alone import LOOK_EVERY_S, alone

if TYPE_CHECKING:
    from core.config.credentials import Credentials
    from core.config.folders import Folders
    from core.config.loader import Loaded
    from core.cycle.account_cycle import AccountResult
    from core.domain.orders.orders import Entry
    from core.engine.engine import Engine
    from core.snapshot import Mode


@dataclass(frozen=True, slots=True)
class OnceResult:
    """The result of the forced cycle. All but `sentence` is what --json prints.

    Where the cycle made an entry, its fate decides `outcome` and `reason` (rules 4.4). `reason` is a stable code or
    None. Money is text, so that no reader turns it into a float. `duration_s` is wall seconds from the start to the
    cycle's end, without the time its order was followed. An account's `tries` counts its attempts, while `attempts` has
    a row for each underlying of each.
    """

    outcome: str
    reason: str | None
    accounts: list[dict[str, Any]]
    duration_s: float
    sentence: str = field(default="", compare=False)

    def to_json(self) -> str:
        shown = asdict(self)
        del shown["sentence"]
        return json.dumps(shown)

    def to_text(self) -> str:
        lines = [f"{self.outcome}" + (f": {self.sentence}" if self.sentence else "")]
        for account in self.accounts:
            lines.append(f"  account {account['account']}: {account['told']}, {_tries(account['tries'])}")
            for attempt in account["attempts"]:
                why = f": {attempt['sentence']}" if attempt["sentence"] else ""
                lines.append(f"    {attempt['attempt']}. {attempt['underlying']} {attempt['result']}{why}")
            if account["order"] is not None:
                lines += _order_lines(account["order"])
        return "\n".join(lines)


def _tries(count: int) -> str:
    return "1 attempt" if count == 1 else f"{count} attempts"


def _order_lines(order: dict[str, Any]) -> list[str]:
    number = f"order {order['order_id']}" if order["order_id"] else "order without a number"
    limit, risk = (None if order[name] is None else Decimal(order[name]) for name in ("limit", "max_risk"))
    return [
        f"    {number}: {order['told']}; {order['day']}",
        f"    {order['strikes']} at {amounts.credit(limit)} credit, {amounts.risk(risk)}",
    ]


def run_once(
    loaded: Loaded, folders: Folders, mode: Mode, logins: tuple[Credentials, ...], account: str | None, wait: float
) -> OnceResult:
    """Builds the engine of the configured broker and forces one cycle; the rest is as in `force_once`."""
    from senex_tui.run.wiring import build_configured_engine

    async def main() -> OnceResult:
        engine = await build_configured_engine(loaded, folders, mode, logins)
        return await force_once(engine, account, wait)

    return asyncio.run(main())


async def force_once(engine: Engine, account: str | None, wait: float) -> OnceResult:
    """Starts the engine without its schedule, forces one cycle and follows its order for at most `wait` wall seconds.

    `account` is a number or its last characters; None for every account that is enabled. Raises what keeps the engine
    from starting, and Refused for an account the login does not reach.
    """
    clock = engine.parts.clock
    started = clock.monotonic()

    async def forced() -> OnceResult:
        result = await engine.force(f"{system_user()} with senex once", account or "")
        took_s = round(clock.monotonic() - started, 3)
        if isinstance(result, Refusal):
            return OnceResult(outcome_for(result.reason).value, result.code, [], took_s, result.sentence())
        return _told(result, engine.study.today(), await _follow(engine, result, wait), took_s)

    return await alone(engine, forced, account=account)


async def _follow(engine: Engine, results: tuple[AccountResult, ...], wait: float) -> dict[str, Entry]:
    """The entries of this cycle by account, read until the fate of each is over or `wait` seconds are.

    They are read from the records, so that an entry whose answer was lost is among them.
    """
    clock, day = engine.parts.clock, engine.study.today()
    numbers = {result.progress.number for result in results}
    deadline = clock.monotonic() + wait
    while True:
        made = [entry for entry in await engine.parts.records.entries.of_day(day) if entry.cycle in numbers]
        if clock.monotonic() >= deadline or all(fate_of(entry).is_over for entry in made):
            return {entry.account: entry for entry in made}
        await clock.sleep(LOOK_EVERY_S)


def _told(results: tuple[AccountResult, ...], day: date, entries: dict[str, Entry], took_s: float) -> OnceResult:
    none = Refusal(Reason.NO_ACCOUNTS)
    fates = {account: fate_of(entry) for account, entry in entries.items()}
    by_account = told_accounts(
        [result.run(day) for result in results],
        fates,
        validated={result.account for result in results if result.is_validated},
    )
    told = told_cycle(CycleEnd(True, Outcome.SKIPPED.value, none.code, none.sentence()), by_account)
    accounts = [_account(result, by_account[result.account], entries.get(result.account)) for result in results]
    outcome = Outcome.UNKNOWN if told.outcome is None else told.outcome
    return OnceResult(outcome.value, told.reason or None, accounts, took_s, told.beside_outcome)


def _account(result: AccountResult, told: Told, entry: Entry | None) -> dict[str, Any]:
    return {
        "account": masked(result.account),
        "outcome": Outcome.UNKNOWN.value if told.outcome is None else told.outcome.value,
        "word": told.word,
        "told": told.words,
        "reason": told.reason or None,
        "sentence": told.words if told.reason else "",
        "tries": result.progress.attempt,
        "attempts": [
            {
                "attempt": a.attempt,
                "underlying": a.underlying,
                "result": a.result,
                "reason": a.code or None,
                "sentence": a.reason,
                "natural": _text(a.natural),
                "mid": _text(a.mid),
            }
            for a in result.progress.attempts
        ],
        "suggestion": _suggestion(result),
        "order": None if entry is None else _order(entry, fate_of(entry)),
    }


def _suggestion(result: AccountResult) -> dict[str, Any] | None:
    suggestion = result.suggestion
    if suggestion is None:
        return None
    trident, price, risk = suggestion.trident, result.price, result.risk
    return {
        "id": suggestion.id,
        "underlying": trident.underlying,
        "root": trident.root,
        "price": _text(suggestion.price),
        "expiration": trident.expiration.isoformat(),
        "strikes": trident.strikes(),
        "body": _text(trident.body),
        "width": _text(trident.width),
        "score": _text(suggestion.judgement.score),
        "natural": _text(suggestion.pricing.natural),
        "mid": _text(suggestion.pricing.mid),
        "offset": None if price is None else _text(price.offset),
        "limit": None if price is None else _text(price.limit),
        "floored": None if price is None else price.floored,
        "max_risk": None if risk is None else _text(risk.max_risk),
        "legs": [
            {
                "symbol": leg.symbols.occ,
                "streamer_symbol": leg.symbols.streamer,
                "action": leg.action.value,
                "quantity": leg.quantity,
                "bid": _text(quote.bid),
                "ask": _text(quote.ask),
            }
            for leg, quote in zip(trident.legs, suggestion.pricing.legs, strict=True)
        ],
    }


def _order(entry: Entry, fate: Fate) -> dict[str, Any]:
    return {
        "entry": entry.id,
        "order_id": entry.order_id,
        "identifier": entry.identifier,
        "state": entry.state.value,
        "fate": fate.kind.value,
        "told": fate_words(fate),
        "day": day_words(fate, today=fate.day),
        "broker_status": entry.broker_status,
        "strikes": entry.strikes,
        "limit": _text(fate.limit),
        "fill_credit": _text(fate.credit),
        "max_risk": _text(fate.max_risk),
        "fills": [
            {"fill_id": f.fill_id, "symbol": f.symbol, "quantity": _text(f.quantity), "price": _text(f.price)}
            for f in entry.fills
        ],
        "detail": fate.why,
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"
