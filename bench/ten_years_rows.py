"""Table rows of random sessions, in the form of the records.

The ten_years bench writes them to the tables itself: with the engine's commits, ten years of them would take hours.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from core.domain.orders.orders import OrderLeg, OrderRequest
from core.domain.trident.trident import Action
from core.records.store.json_text import instant_text, to_json_text
from core.records.store.types import RequestText
from core.runtime.clock import EXCHANGE_ZONE

ACCOUNTS = ("5WT00001", "5WT00002", "5WT00003")
_FILLED_SHARE = 0.4
"""The share of sessions in which the first cycle sends an order that fills."""
_RETRIED_SHARE = 0.15
"""The share of cycles without an entry that fail after three attempts."""
_FACTORS = ("IV rank", "ADX", "HV/IV", "direction", "stress", "Bollinger", "RSI")

_COLUMNS = {
    "cycles": "number epoch session_day slot forced began_at ended_at outcome reason_code reason_text totals",
    "slots": "session_day slot epoch state at cycle outcome reason_code reason_text",
    "events": "at kind text severity cycle attempt account underlying step result reason figures duration_ms",
    "suggestions": "id cycle attempt account session_day at underlying expiration strikes body width natural mid limit "
    "offset max_risk evidence validated",
    "intents": "id kind account session_day identifier",
    "entries": "id account session_day cycle suggestion_id underlying expiration strikes identifier request limit "
    "natural mid width max_risk state holds_day prepared_at sent_at order_id broker_status terminal_at detail",
    "intent_changes": "intent_id state holds_day at order_id broker_status detail",
    "fills": "intent_id account fill_id symbol quantity price at",
    "commands": "id kind who at saw_cycle state text finished_at",
}

Table = tuple[list[str], list[tuple[object, ...]]]
"""The columns of a table, and its rows."""


class SessionRows:
    """Makes the rows of the sessions, one after the other. One seed always gives the same rows."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def of_day(self, day: date, first: int, count: int) -> dict[str, Table]:
        """The rows of a session with `count` cycles, numbered from `first`: table name to columns and rows."""
        made: dict[str, Table] = {name: (columns.split(), []) for name, columns in _COLUMNS.items()}
        trades = self._rng.random() < _FILLED_SHARE
        for index in range(count):
            slot = datetime.combine(day, time(9, 45), EXCHANGE_ZONE).astimezone(UTC) + timedelta(minutes=15 * index)
            self._cycle(made, day, slot, first + index, enters=trades and index == 0, held=trades and index > 0)
        if self._rng.random() < 0.1:
            at = instant_text(datetime.combine(day, time(12), EXCHANGE_ZONE))
            made["commands"][1].append((f"command-{day}", "pause", "operator", at, first, "done", "paused", at))
        return made

    def _cycle(
        self, made: dict[str, Table], day: date, slot: datetime, number: int, *, enters: bool, held: bool
    ) -> None:
        at = instant_text(slot)
        outcome = ("succeeded", "", "") if enters else ("skipped", "low_score", "QQQ scores 31.2; 40 needed")
        if held:
            outcome = ("skipped", "entry_today", "an entry already holds the day: filled")
        elif not enters and self._rng.random() < _RETRIED_SHARE:
            outcome = ("failed", "leg_stale", ".QQQ260417P624 quote is 31.0 s old; at most 30 s")
        totals = to_json_text({"processed": 2, "skipped": 0, "succeeded": 0, "failed": 0, "unknown": 0})
        ended = instant_text(slot + timedelta(seconds=4))
        made["cycles"][1].append((number, 1, day.isoformat(), at, 0, at, ended, *outcome, totals))
        made["slots"][1].append((day.isoformat(), at, 1, "done", at, number, *outcome))
        self._event(made, at, "cycle.started", "cycle started", number)
        for account in ACCOUNTS:
            if held:
                self._step(made, at, number, account, "entry_today", "guard", None, "entry_today")
                continue
            self._steps(made, at, number, account, outcome[1])
            if enters:
                self._entry(made, day, slot, number, account)
        self._event(made, ended, "cycle.ended", f"cycle {outcome[0]}: {outcome[2]}", number)

    def _steps(self, made: dict[str, Table], at: str, number: int, account: str, reason: str) -> None:
        for kind, step in (("entry_today", "guard"), ("market_open", "market"), ("account", "account")):
            self._step(made, at, number, account, kind, step, None, "")
        attempts = 3 if reason == "leg_stale" else 1
        for attempt in range(1, attempts + 1):
            for underlying in ("QQQ", "SPX") if reason else ("QQQ",):
                self._step(made, at, number, account, "judgement", "judge", (attempt, underlying), reason)
                if reason == "low_score":
                    continue
                for kind, step in (("structure", "strikes"), ("quotes", "quotes")):
                    self._step(made, at, number, account, kind, step, (attempt, underlying), "")
                self._step(made, at, number, account, "pricing", "price", (attempt, underlying), reason)
        if not reason:
            for kind, step in (("risk", "risk"), ("entry_price", "limit"), ("send", "send")):
                self._step(made, at, number, account, kind, step, None, "")

    def _step(
        self,
        made: dict[str, Table],
        at: str,
        number: int,
        account: str,
        kind: str,
        step: str,
        attempt: tuple[int, str] | None,
        reason: str,
    ) -> None:
        which = attempt or (None, None)
        refused = bool(reason) and not (reason == "leg_stale" and step == "judge")
        told = ("a rule said no", "refused", reason) if refused else ("passed", "passed", None)
        figures = self._figures(step)
        made["events"][1].append(
            (at, f"step.{kind}", told[0], "info", number, which[0], account, which[1], step, *told[1:], figures, 50)
        )

    def _figures(self, step: str) -> str:
        money = Decimal(self._rng.randrange(100, 2_500_000)) / 100
        if step == "judge":
            factors = tuple((name, f"{self._rng.randrange(100)} (+5)") for name in _FACTORS)
            return to_json_text((("score", money), ("minimum", Decimal(40)), ("regime", "none"), *factors))
        if step == "price":
            legs = tuple(
                (f".QQQ260417{right}", "bid 13.58 ask 13.62 age 0.4 s") for right in ("P624", "P619", "C624", "C629")
            )
            sums = ("subtraction", "put 13.58 - 11.59 = 1.99; call 17.08 - 14.47 = 2.61")
            return to_json_text((("natural_credit", money), ("mid_credit", money), ("max_risk", money), *legs, sums))
        if step in ("account", "risk", "limit"):
            return to_json_text((("max_risk", money), ("budget", money), ("capital", money), ("mid", money)))
        return to_json_text(())

    def _event(self, made: dict[str, Table], at: str, kind: str, text: str, number: int) -> None:
        nothing = (None,) * 6
        made["events"][1].append((at, kind, text, "info", number, *nothing, "[]", None))

    def _entry(self, made: dict[str, Table], day: date, slot: datetime, number: int, account: str) -> None:
        at, key = instant_text(slot + timedelta(seconds=3)), f"{number}-{account}"
        expiration, strikes = (day + timedelta(days=45)).isoformat(), "624P/619P/624C/629C"
        evidence = to_json_text({"price": "624.945", "pricing": {"natural": "6.59", "mid": "6.710"}})
        shape = ("QQQ", expiration, strikes)
        credits = ("6.59", "6.710")
        priced = ("624", "5", *credits, "6.71", "0", "341.00", evidence, 0)
        made["suggestions"][1].append((f"s-{key}", number, 1, account, day.isoformat(), at, *shape, *priced))
        symbols = [f"QQQ   {day:%y%m%d}{right}" for right in ("P00624000", "P00619000", "C00624000", "C00629000")]
        actions = (Action.SELL_TO_OPEN, Action.BUY_TO_OPEN) * 2
        legs = tuple(
            OrderLeg(symbol, action, quantity)
            for symbol, action, quantity in zip(symbols, actions, (2, 2, 1, 1), strict=True)
        )
        request = RequestText().process_bind_param(
            OrderRequest("QQQ", legs, Decimal("6.71"), f"senex-{key}"),
            None,  # type: ignore[arg-type]  # not used
        )
        known = (f"e-{key}", account, day.isoformat(), number, f"s-{key}")
        filled = ("5", "341.00", "filled", 1, at, at, f"7{number}", "Filled", at, "")
        made["intents"][1].append((f"e-{key}", "entry", account, day.isoformat(), f"senex-{key}"))
        made["entries"][1].append((*known, *shape, f"senex-{key}", request, "6.71", *credits, *filled))
        for state in ("prepared", "sent", "working", "working", "working", "filled"):
            made["intent_changes"][1].append((f"e-{key}", state, 1, at, f"7{number}", "Live", ""))
        for symbol, quantity in zip(symbols, ("2", "2", "1", "1"), strict=True):
            made["fills"][1].append((f"e-{key}", account, f"f-{key}-{symbol}", symbol, quantity, "6.71", at))
