"""Mail from the real engine in virtual time: what is sent and when; trading never waits for it (rules 11)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.broker.port import BrokerError, BrokerFault
from core.domain.operation.amounts import credit
from core.domain.operation.commands import CommandKind
from core.domain.operation.events import Severity
from core.domain.operation.mail_preference import MailPreference
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Fill, OrderReport
from core.domain.orders.packages import fill_credit
from core.notify.mailer import MailFault
from core.simulator.exchange.faults import FaultKind
from core.snapshot import Health
from tests.core.notify.mail_without_engine import mail_settings
from tests.support.invariants import assert_nothing_forbidden_happened
from tests.support.memory_mail_server import MemoryMailServer
from tests.support.world import ACCOUNT, MONDAY, World, et, in_world


def told_by(world: World, preference: MailPreference = MailPreference.IMMEDIATE) -> MemoryMailServer:
    """Turns the world's mail on, before its engine starts, and returns the mail server."""
    world.settings = world.settings.model_copy(update={"mail": mail_settings(preference)})
    post = MemoryMailServer(world.clock)
    world.mailer = post
    return post


def _word(subject: str) -> str:
    return subject.partition("QQQ ")[2].partition(",")[0].partition(" at ")[0]


async def _end(world: World) -> None:
    await assert_nothing_forbidden_happened(world, world.records)
    await world.stop()


def test_sent_and_filled_are_two_mails_with_every_figure(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        post = told_by(world)
        world.exchange.fill_plan = "delayed"
        await world.start()
        await world.until("09:45:15")
        entry = await world.entry()
        assert [s.partition(" at ")[0] for s in post.subjects] == ["Senex [demo]: QQQ entry sent"]
        await world.until("09:47")
        entry = await world.entry()
        assert entry.state is OrderState.FILLED
        sent, filled = post.taken
        assert "entry filled at" in filled.subject
        for mail in (sent, filled):
            for figure in (
                "…0001",
                "QQQ",
                entry.strikes,
                f"{entry.limit:.2f} credit per share, no offset",
                f"{entry.natural:.2f}, {entry.mid:.2f} credit per share",
                str(entry.order_id),
                "https://my.tastytrade.com/",
                "Mode demo",
            ):
                assert figure in mail.text, figure
                assert figure in mail.html, figure
            assert ACCOUNT not in mail.text + mail.html + mail.subject
            assert f"Max risk:      {100 * (2 * entry.width - entry.limit):.2f} $ at the" in mail.text
        assert "is not filled yet" in sent.text
        assert "Fill credit" in filled.text
        await _end(world)

    in_world(day, tmp_path)


def test_an_unknown_entry_is_told_then_sent_then_cancelled(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        post = told_by(world)
        world.broker.fail_after_accept = 1
        world.exchange.fill_plan = "never"
        await world.start()
        await world.until("09:46:30")
        assert [_word(s) for s in post.subjects] == ["entry UNKNOWN", "entry sent"]
        assert "nothing is sent again" in post.taken[0].text
        await world.command(CommandKind.CANCEL)
        await world.until("09:47")
        assert _word(post.subjects[-1]) == "entry cancelled"
        assert (
            "operator asked to cancel it. The day is free when an operator allows re-entry and two reads show no fill."
            in post.taken[-1].text
        )
        assert "is not known: HTTP 502." in post.taken[0].text
        assert "HTTP 502" not in "".join(mail.text for mail in post.taken[1:])
        await _end(world)

    in_world(day, tmp_path)


def test_a_filled_order_whose_fill_records_come_in_two_parts_is_at_no_time_told_as_open(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        post = told_by(world)
        world.exchange.fill_plan = "never"
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        live = await world.broker.order(ACCOUNT, entry.order_id or "")
        fills = [
            Fill(f"f{n}", leg.symbol, Decimal(leg.quantity), entry.limit if n == 0 else Decimal(0), world.clock.now())
            for n, leg in enumerate(entry.request.legs)
        ]

        def filled(these: list[Fill]) -> OrderReport:
            legs = tuple(
                replace(leg, remaining=Decimal(0), fills=tuple(fill for fill in these if fill.symbol == leg.symbol))
                for leg in live.legs
            )
            return replace(live, status="Filled", legs=legs)

        await world.engine.tracker.apply(entry, filled(fills[:2]))
        await world.clock.sleep(5)
        assert [_word(s) for s in post.subjects] == ["entry sent", "entry filled"]
        assert "Its fill records have not all come yet" in post.taken[-1].text
        await world.engine.tracker.apply(entry, filled(fills))
        await world.clock.sleep(5)
        told = fill_credit(replace(entry, fills=tuple(fills)))
        assert f"entry filled, its fills are known at {credit(told)} credit" in post.subjects[-1]
        assert f"Fill credit:   {credit(told)} per share" in post.taken[-1].text
        kinds = [event.kind for event in await world.records.journal.of_cycle(entry.cycle)]
        assert "order.partially_filled" not in kinds
        assert "still open" not in "".join(mail.text for mail in post.taken)
        await world.stop()

    in_world(day, tmp_path)


def test_a_part_filled_while_the_rest_works_is_told_as_a_part(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        post = told_by(world)
        world.exchange.fill_plan = "partial"
        await world.start()
        await world.until("09:50")
        assert (await world.entry()).state is OrderState.FILLED
        assert [_word(s) for s in post.subjects] == ["entry sent", "entry partially filled", "entry filled"]
        assert "the rest is still open" in post.taken[1].text
        await _end(world)

    in_world(day, tmp_path)


def test_what_a_dry_run_validated_is_mailed_once_with_its_terms(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        post = told_by(world)
        world.sends = False
        await world.start()
        await world.until("10:20")
        (made,) = [s for s in await world.records.journal.suggestions_of(ACCOUNT, world.day) if s.validated]
        [told] = post.taken
        assert "QQQ entry validated, not sent, at" in told.subject
        for figure in (
            made.strikes,
            f"{credit(made.limit)} credit per share",
            f"{credit(made.natural)}, {credit(made.mid)} credit per share",
            made.id,
            "nothing was sent, nothing is open",
        ):
            assert figure in told.text, figure
        assert ACCOUNT not in told.text + told.html + told.subject
        assert await world.entries() == ()
        await world.stop()

    in_world(day, tmp_path)


def test_the_warning_of_a_failed_cycle_is_mailed_once_and_none_of_its_steps(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        post = told_by(world, MailPreference.NEVER)
        await world.start()
        world.broker.arm(FaultKind.MARKET_STALE_SNAPSHOT, symbol=".*")
        await world.until("09:46:30")
        (cycle,) = await world.cycles()
        assert (cycle.outcome, cycle.reason_code) == ("failed", "leg_stale")
        steps = [
            e for e in await world.records.journal.of_cycle(cycle.number) if e.step and e.severity is Severity.WARNING
        ]
        assert len(steps) > 1
        [told] = [s for s in post.subjects if "WARNING" in s]
        assert "WARNING: cycle 09:45: .QQQ" in told
        await world.stop()

    in_world(day, tmp_path)


def test_a_mail_server_in_trouble_changes_nothing_about_the_trade(tmp_path: Path) -> None:
    async def day(world: World) -> list[object]:
        await world.start()
        await world.until("09:46")
        entries = [
            (e.state, e.order_id, e.limit, e.sent_at, e.terminal_at, [f.fill_id for f in e.fills])
            for e in await world.entries()
        ]
        cycles = [(c.began_at, c.ended_at, c.outcome) for c in await world.cycles()]
        shown = world.snapshot()
        mail = shown.status.mail
        await _end(world)
        return [entries, cycles, None if mail is None else mail.health]

    async def down(world: World) -> list[object]:
        told_by(world).fault = MailFault.NO_SERVER
        return await day(world)

    async def hanging(world: World) -> list[object]:
        told_by(world).hangs = True
        return await day(world)

    def lived(script: Callable[[World], Coroutine[Any, Any, list[object]]], name: str) -> list[object]:
        folder = tmp_path / name
        folder.mkdir()
        return in_world(script, folder)

    *quiet, off = lived(day, "off")
    assert quiet[0]
    assert off is None
    assert lived(down, "down") == [*quiet, Health.TROUBLE]
    assert lived(hanging, "hanging") == [*quiet, Health.OK]


def test_a_login_turned_bad_is_told_although_the_engine_does_not_run(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        post = told_by(world)

        async def refuse() -> None:
            raise BrokerError(BrokerFault.LOGIN_REFUSED, "invalid_grant")

        setattr(world.broker, "connect", refuse)  # noqa: B010 - a method of this one instance
        with pytest.raises(BrokerError):
            await world.start()
        [told] = post.subjects
        assert told.startswith("Senex [demo]: ALARM: login main: the broker refuses its token: invalid_grant")

    in_world(day, tmp_path)


def test_the_engine_has_the_daily_mail_written_after_the_close(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        post = told_by(world, MailPreference.DAILY)
        await world.start()
        await world.until("16:14")
        assert post.taken == []
        await world.until("16:22")
        assert [s.partition("]: ")[2] for s in post.subjects] == ["Mon 2 Mar 2026: no entry"]
        await world.stop()

    in_world(day, tmp_path, start=et(MONDAY, "15:55"), poll_s=60)
