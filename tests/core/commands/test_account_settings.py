"""The next entry of an account is made with the settings the operator gave that account."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

from core.domain.operation.account_settings import AccountField, AccountSetting
from core.domain.operation.commands import CommandKind
from tests.support.world import World, account, in_world

ONE, TWO = "5WT00001", "5WT00002"


async def set_(world: World, number: str, words: str) -> str:
    return await world.answer(CommandKind.SET_ACCOUNT, number, words)


def test_each_account_enters_with_its_own_offset_and_width_from_the_next_cycle_on(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.clock.sleep(5)
        assert await set_(world, TWO, "offset-cents 10") == "done: …0002: offset-cents default -> 10"
        assert await set_(world, "0002", "width 7") == "done: …0002: width default -> 7"
        assert world.engine.accounts[1].offset_cents == 10, "the running engine was told at once"
        await world.until("09:46")
        one, two = sorted(await world.entries(), key=lambda entry: entry.account)
        assert (one.account, two.account) == (ONE, TWO), "each account's order went to that account"
        assert {posted.account: posted.request.identifier for posted in world.broker.posted} == {
            ONE: one.identifier,
            TWO: two.identifier,
        }
        assert (one.width, two.width) == (Decimal(5), Decimal(7))
        prices = await world.events(1, "step.entry_price")
        assert {e.account: dict(e.figures)["offset"] for e in prices} == {ONE: Decimal(0), TWO: Decimal("0.10")}
        assert [c.who for c in await world.records.accounts.changes(TWO)] == ["operator", "operator"]
        await world.stop()

    in_world(day, tmp_path, accounts=(account(ONE), account(TWO)))


def test_an_account_is_judged_by_its_own_tolerance_and_limit(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.clock.sleep(5)
        assert (await set_(world, TWO, "tolerance 0.001")).startswith("done")
        await world.until("09:46")
        assert [entry.account for entry in await world.entries()] == [ONE]
        [cycle] = await world.cycles()
        refused = [e for e in await world.events(cycle.number, "step.risk") if e.reason is not None]
        assert [(e.account, e.reason.code) for e in refused if e.reason] == [(TWO, "risk_above_budget")]
        await world.stop()

    in_world(day, tmp_path, accounts=(account(ONE), account(TWO)))


def test_an_account_skips_the_one_day_it_was_told_to(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.clock.sleep(5)
        last_friday = AccountSetting(AccountField.SKIP, date(2026, 2, 27))
        await world.records.accounts.set(ONE, last_friday, "anna", world.clock.now())
        assert await set_(world, TWO, "skip today") == "done: …0002: skip default -> 2026-03-02"
        await world.until("09:46")
        assert [entry.account for entry in await world.entries()] == [ONE]
        [cycle] = await world.cycles()
        [skipped] = [e for e in await world.events(cycle.number, "step.entry_today") if e.reason is not None]
        assert (skipped.account, skipped.reason.code if skipped.reason else "") == (TWO, "skip_today")
        assert cycle.totals["skipped"] == 1
        await world.stop()

    in_world(day, tmp_path, accounts=(account(ONE), account(TWO)))


def test_a_setting_that_is_none_or_for_nobody_is_refused_with_what_may_be_given(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.clock.sleep(5)
        assert "offset-cents must be a whole number from 0 to 25" in await set_(world, ONE, "offset-cents 26")
        assert "'9999' names no known account; give one of …0001, …0011" in await set_(world, "9999", "width 5")
        assert "'' names no known account" in await set_(world, "", "width 5")
        assert "'1' names 2 accounts" in await set_(world, "1", "width 5")
        before = await world.records.accounts.all()
        await world.records.accounts.set(ONE, AccountSetting(AccountField.MAIL, "daily"), "anna", world.clock.now())
        after = await world.records.accounts.all()
        assert [a.mail for a in before] == [None, None]
        assert [a.mail for a in after] == ["daily", None]
        assert (await set_(world, ONE, "tolerance 0.25")).startswith("done")
        snapshot = world.snapshot()
        shown = {s.name: (s.value, s.own) for s in snapshot.accounts[0].settings}
        assert (shown["tolerance"], shown["mail"]) == (("0.25", True), ("daily", True))
        assert (shown["offset-cents"], shown["width"]) == (("0", False), ("by capital", False))
        await world.stop()

    in_world(day, tmp_path, accounts=(account(ONE), account("5WT00011")))
