"""`senex once`: forces one cycle without a screen and reports its result (rules 4.4)."""

from __future__ import annotations

import asyncio
import getpass
import json
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from core.domain.operation.events import masked
from core.domain.operation.outcomes import Outcome, outcome_for, worst
from core.domain.operation.reasons import Refusal
from core.domain.orders.fills import fill_credit
from core.domain.orders.order_states import EntryState
from core.domain.trident.trident import max_risk
from senex_tui.support.refusals import Refused

if TYPE_CHECKING:
    from core.config.credentials import Credentials
    from core.config.folders import Folders
    from core.config.loader import Loaded
    from core.cycle.account_cycle import AccountResult
    from core.domain.orders.orders import Entry
    from core.engine.engine import Engine
    from core.snapshot import Mode

FEED_WAIT_S = 15.0
_LOOK_EVERY_S = 0.1
_SETTLED = frozenset(EntryState) - {EntryState.PREPARED, EntryState.SENT, EntryState.WORKING, EntryState.UNKNOWN}


@dataclass(frozen=True, slots=True)
class OnceResult:
    """The result of the forced cycle. All but `sentence` is what --json prints.

    `reason` is a stable code or None. Money is text, so that no reader turns it into a float. `duration_s` is wall
    seconds from the start to the cycle's end, without the time its order was followed.
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
            lines.append(f"  account {account['account']}: {account['outcome']}, attempts {len(account['attempts'])}")
            for attempt in account["attempts"]:
                why = f": {attempt['sentence']}" if attempt["sentence"] else ""
                lines.append(f"    {attempt['attempt']}. {attempt['underlying']} {attempt['result']}{why}")
            order = account["order"]
            if order is not None:
                filled = f", filled at {order['fill_credit']}" if order["fill_credit"] else ""
                lines.append(
                    f"    order {order['order_id']} {order['state']} {order['strikes']} limit {order['limit']}{filled}"
                )
        return "\n".join(lines)


def run_once(
    loaded: Loaded, folders: Folders, mode: Mode, logins: tuple[Credentials, ...], account: str | None, wait: float
) -> OnceResult:
    """Builds the engine of the configured broker and forces one cycle; the rest is as in `force_once`."""
    from senex_tui.run.wiring import build_configured_engine

    async def main() -> OnceResult:
        engine = await build_configured_engine(loaded, folders, mode, logins, only_account=account)
        return await force_once(engine, account, wait)

    return asyncio.run(main())


async def force_once(engine: Engine, account: str | None, wait: float) -> OnceResult:
    """Starts the engine without its schedule, forces one cycle and follows its order for at most `wait` wall seconds.

    Raises what keeps the engine from starting, and Refused for an account the login does not reach.
    """
    clock = engine.parts.clock
    started = clock.monotonic()
    running = asyncio.create_task(engine.run(scheduled=False))
    ready = asyncio.create_task(engine.ready.wait())
    try:
        await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
            raise Refused("the engine ended before it was ready; see the log.")
        _require_account(engine, account)
        await _wait_until_live(engine)
        forcing = asyncio.create_task(engine.force(f"{getpass.getuser()} with senex once"))
        await asyncio.wait({running, forcing}, return_when=asyncio.FIRST_COMPLETED)
        if not forcing.done():
            forcing.cancel()
            running.result()
            raise Refused("the engine ended before the cycle did; see the log.")
        result, took_s = forcing.result(), round(clock.monotonic() - started, 3)
        if isinstance(result, Refusal):
            return OnceResult(outcome_for(result.reason).value, result.code, [], took_s, result.sentence())
        return _result_of(result, await _follow(engine, result, wait), took_s)
    finally:
        ready.cancel()
        engine.stop()
        await asyncio.wait({running})


def _require_account(engine: Engine, account: str | None) -> None:
    numbers = [a.number for a in engine.accounts]
    if account is not None and account not in numbers:
        reached = ", ".join(masked(number) for number in numbers) or "none"
        raise Refused(f"--account {account} is not reached by this login; it reaches {reached}.")


async def _wait_until_live(engine: Engine) -> None:
    """Waits for the quote feed and the reconciliation, FEED_WAIT_S at most; then the cycle says what is missing."""
    clock = engine.parts.clock
    deadline = clock.monotonic() + FEED_WAIT_S
    while clock.monotonic() < deadline:
        if engine.feed.is_live(clock.monotonic()) and engine.gate.refusal() is None:
            return
        await clock.sleep(_LOOK_EVERY_S)


async def _follow(engine: Engine, results: tuple[AccountResult, ...], wait: float) -> dict[str, Entry]:
    """The entries of this cycle by account, read until all are settled or `wait` seconds are over."""
    clock = engine.parts.clock
    deadline = clock.monotonic() + wait
    while True:
        day = engine.study.today()
        found: dict[str, Entry] = {}
        for result in results:
            entry = await engine.parts.records.entries.holding(result.account, day)
            current = await engine.parts.records.entries.get(result.entry.id) if result.entry is not None else entry
            if current is not None and current.cycle == result.progress.number:
                found[result.account] = current
        if clock.monotonic() >= deadline or all(entry.state in _SETTLED for entry in found.values()):
            return found
        await clock.sleep(_LOOK_EVERY_S)


def _result_of(results: tuple[AccountResult, ...], entries: dict[str, Entry], took_s: float) -> OnceResult:
    outcome = worst(result.outcome for result in results)
    deciding = next((r.refusal for r in results if r.outcome is outcome), None)
    sentence = "" if deciding is None else deciding.sentence()
    code = None if deciding is None else deciding.code
    if not results:
        code, sentence = "no_accounts", "no account is enabled and eligible"
    accounts = [_account(result, entries.get(result.account)) for result in results]
    return OnceResult(outcome.value if results else Outcome.SKIPPED.value, code, accounts, took_s, sentence)


def _account(result: AccountResult, entry: Entry | None) -> dict[str, Any]:
    return {
        "account": masked(result.account),
        "outcome": result.outcome.value,
        "reason": None if result.refusal is None else result.refusal.code,
        "sentence": "" if result.refusal is None else result.refusal.sentence(),
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
        "order": None if entry is None else _order(entry),
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


def _order(entry: Entry) -> dict[str, Any]:
    credit = fill_credit(entry.request, entry.fills)
    return {
        "entry": entry.id,
        "order_id": entry.order_id,
        "identifier": entry.identifier,
        "state": entry.state.value,
        "broker_status": entry.broker_status,
        "strikes": entry.strikes,
        "limit": _text(entry.limit),
        "fill_credit": _text(credit),
        "max_risk": _text(entry.max_risk if credit is None else max_risk(entry.width, credit)),
        "fills": [
            {"fill_id": f.fill_id, "symbol": f.symbol, "quantity": _text(f.quantity), "price": _text(f.price)}
            for f in entry.fills
        ],
        "detail": entry.detail,
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"
