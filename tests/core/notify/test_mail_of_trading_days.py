"""Mail from the real engine in virtual time: what is sent and when; trading never waits for it (rules 11)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from core.broker.port import BrokerError, BrokerFault
from core.domain.operation.commands import CommandKind
from core.domain.operation.mail_preference import MailPreference
from core.domain.orders.order_states import EntryState
from core.notify.smtp import MailFault
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
        assert entry.state is EntryState.FILLED
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
        assert "operator asked to cancel it" in post.taken[-1].text
        await _end(world)

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
        world.engine.builder.refresh()
        shown = world.engine.builder.snapshot
        assert shown is not None
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
