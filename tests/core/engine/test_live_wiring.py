"""The engine as wired for live and sandbox: the broker's dry run comes before the order (rules 9)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from core.broker.port import DryRunAnswer
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import OrderRequest
from core.snapshot import Mode
from tests.support.invariants import assert_nothing_forbidden_happened
from tests.support.world import ACCOUNT, World, in_world


def _warning(world: World, *warnings: tuple[str, str]) -> None:
    """The broker's dry run answers with this warning from now on."""
    ask = world.broker.dry_run

    async def dry_run(number: str, request: OrderRequest) -> DryRunAnswer:
        return replace(await ask(number, request), warnings=warnings)

    setattr(world.broker, "dry_run", dry_run)  # noqa: B010 - the answer of this one broker


def _live(world: World, *, sends: bool = True) -> None:
    world.mode, world.sends = Mode.LIVE if sends else Mode.DRY_RUN, sends


def test_a_live_entry_is_validated_recorded_and_sent_in_this_order(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        _live(world)
        seen: list[str] = []
        ask, send = world.broker.dry_run, world.broker.send

        async def dry_run(number: str, request: OrderRequest) -> DryRunAnswer:
            entry = await world.records.entries.by_identifier(request.identifier)
            assert entry is not None, "the intent comes before the broker hears of it"
            seen.append(f"dry run of a {entry.state.value} entry")
            return await ask(number, request)

        async def sending(number, request, guard):  # type: ignore[no-untyped-def]
            entry = await world.records.entries.by_identifier(request.identifier)
            assert entry is not None
            recorded = await world.records.journal.dry_run_of(entry.suggestion_id)
            seen.append(f"POST of a {entry.state.value} entry, answer {'kept' if recorded else 'lost'}")
            return await send(number, request, guard)

        setattr(world.broker, "dry_run", dry_run)  # noqa: B010 - watches this one broker
        setattr(world.broker, "send", sending)  # noqa: B010 - the same
        await world.start()
        await world.until("09:47")
        entry = await world.entry()
        assert entry.state is OrderState.FILLED
        assert seen == ["dry run of a prepared entry", "POST of a sent entry, answer kept"]
        answer = await world.records.journal.dry_run_of(entry.suggestion_id)
        assert answer is not None
        assert answer.buying_power_change < 0
        assert answer.fees is not None
        assert answer.fees > 0
        assert answer.warnings == ()
        builder = world.engine.builder
        builder.refresh()
        assert builder.snapshot is not None
        assert builder.snapshot.status.mode is Mode.LIVE
        await assert_nothing_forbidden_happened(world, world.records)
        await world.stop()

    in_world(day, tmp_path, preflight=True)


@pytest.mark.parametrize("sends", [True, False], ids=["live", "dry-run"])
def test_an_unlisted_warning_refuses_and_is_kept_with_its_suggestion(tmp_path: Path, sends: bool) -> None:
    async def day(world: World) -> None:
        _live(world, sends=sends)
        warning = ("tif_next_valid_sesssion", "Your order will begin working during the next valid session.")
        _warning(world, warning)
        await world.start()
        await world.until("09:47")
        (cycle,) = await world.cycles()
        assert (cycle.outcome, cycle.reason_code) == ("failed", "dry_run_warning")
        assert world.broker.posted == []
        (suggestion,) = await world.records.journal.suggestions_of(ACCOUNT, world.day)
        assert not suggestion.validated, "a warned order may be tried at the next slot"
        answer = await world.records.journal.dry_run_of(suggestion.id)
        assert answer is not None
        assert answer.warnings == (warning,)
        assert [e.state for e in await world.entries()] == ([OrderState.NOT_SENT] if sends else [])
        await assert_nothing_forbidden_happened(world, world.records)
        await world.stop()

    in_world(day, tmp_path, preflight=True)


def test_a_dry_run_keeps_the_brokers_answer_and_sends_nothing(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        _live(world, sends=False)
        await world.start()
        await world.until("10:02")
        assert [c.reason_code for c in await world.cycles()] == ["", "validated_today"]
        (suggestion,) = await world.records.journal.suggestions_of(ACCOUNT, world.day)
        assert suggestion.validated
        answer = await world.records.journal.dry_run_of(suggestion.id)
        assert answer is not None
        assert answer.new_buying_power < Decimal(25_000)
        assert world.broker.posted == []
        assert await world.entries() == ()
        await world.stop()

    in_world(day, tmp_path, preflight=True)
