"""Open tridents on the screen: the list, the line on the dashboard, the warning in the banner (rules 7)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest

from core.domain.operation.amounts import credit, dollars, signed_dollars
from core.snapshot import Freshness, Mode, PositionsSlice
from senex_tui.console.screens.dashboard import Dashboard
from senex_tui.console.screens.positions import PositionsPage
from tests.support.console import scenes
from tests.support.console.driver import driven
from tests.support.console.parts import holding, near, plus, position
from widgets.alarms import alarms
from widgets.orders import OrdersPanel
from widgets.positions import summary

SOON = near().warnings[0]
ASSIGNED = f"the short call 622 is {plus(near().price, '-622')} in the money and can be assigned any day"
PROFIT = f"P&L {signed_dollars(position().profit_mid)}"
RISK = dollars(D(near().max_risk or 0) + D(position().max_risk or 0))
BOTH = f"P&L {signed_dollars(D(near().profit_mid or 0) + D(position().profit_mid or 0))}"


@pytest.mark.parametrize("size", [(80, 24), (200, 55)], ids=lambda s: f"{s[0]}x{s[1]}")
async def test_t_shows_each_open_trident_with_its_figures(size: tuple[int, int]) -> None:
    async with driven(holding(near(), position()), size=size) as console:
        await console.press("t")
        await console.pilot.pause()
        text = " ".join(console.text.split())
        for told in (
            "DEMO",
            f"2 open tridents {BOTH} risk {RISK} ▲ 1 to watch",
            "QQQ 622P/617P/622C/627C Nov 21, 1 day …0001",
            "Jan 2, 43 days",
            f"P&L {signed_dollars(near().profit_mid)}",
            f"credit {credit(near().credit)}",
            f"mark {credit(near().mark_mid)}",
            f"to close {credit(near().mark_natural)} (P&L {signed_dollars(near().profit_natural)})",
            f"max risk {dollars(near().max_risk)}",
            f"break-even {near().break_even_below}, none above",
            "live 0s",
            SOON,
            ASSIGNED,
        ):
            assert told in text, told
        assert all(len(line) <= size[0] for line in console.text.splitlines())


async def test_it_follows_the_snapshot_and_the_mode_stays_in_sight() -> None:
    snapshot = holding(position())
    async with driven(snapshot, size=(80, 24)) as console:
        await console.press("t")
        status = replace(snapshot.status, mode=Mode.LIVE)
        console.engine.current = replace(holding(position(profit_mid=D("-40.00"))), status=status)
        await console.pull()
        await console.pilot.pause()
        assert "P&L -40.00 $" in console.text
        assert "LIVE" in console.text


async def test_every_way_back_leads_to_the_dashboard_and_quits_nothing() -> None:
    async with driven(holding(position()), size=(80, 24)) as console:
        for key in ("t", "q", "escape", "ctrl+g"):
            await console.press("t")
            assert isinstance(console.app.screen, PositionsPage)
            await console.press(key)
            assert isinstance(console.app.screen, Dashboard), key


async def test_a_stale_mark_says_so() -> None:
    stale = position(freshness=Freshness.STALE, age_s=47)
    async with driven(holding(stale), size=(80, 24)) as console:
        await console.press("t")
        await console.pilot.pause()
        assert "STALE 47s" in console.text
        assert f"{PROFIT} STALE" in console.text.splitlines()[1]


async def test_without_quotes_or_fills_nothing_is_invented() -> None:
    bare = position(
        credit=None,
        mark_mid=None,
        mark_natural=None,
        profit_mid=None,
        profit_natural=None,
        break_even_below=None,
        age_s=None,
        price=None,
        freshness=Freshness.NONE,
    )
    unread = holding(bare, trouble="positions of …0001 could not be read: HTTP 502")
    async with driven(unread, size=(80, 24)) as console:
        await console.press("t")
        await console.pilot.pause()
        for told in ("credit --", "mark --", "no quotes", "break-even --", "could not be read: HTTP 502"):
            assert told in console.text, told


async def test_none_open_says_so() -> None:
    async with driven(size=(80, 24)) as console:
        await console.press("t")
        await console.pilot.pause()
        assert "no trident is open" in console.text


async def test_the_dashboard_sums_them_up_in_a_line() -> None:
    async with driven(holding(position()), size=(80, 24)) as console:
        await console.press("3")
        await console.pilot.pause()
        assert console.app.screen.query_one(OrdersPanel).text.splitlines()[1].startswith(f"1 open trident  {PROFIT}")
        console.engine.current = scenes.calm()
        await console.pull()
        await console.pilot.pause()
        assert "open trident" not in console.text


async def test_a_warning_is_said_in_the_banner() -> None:
    async with driven(holding(near(), near(entry_id="e8"), position()), size=(80, 24)) as console:
        words = " ".join(console.text.split())
        assert f"OPEN QQQ Nov 21 …0001: {ASSIGNED}. And 1 more. t shows it" in words
    assert alarms(holding(position())) == ()
    [(_, loud)] = alarms(holding(near()))
    assert not loud, "it stops nothing"


def test_a_sum_of_some_says_of_how_many() -> None:
    assert f"{PROFIT} of 1" in summary(PositionsSlice((position(), position(profit_mid=None))))
    assert summary(PositionsSlice()) == ""
