"""`senex tridents` and `senex exits status`, read from records without a console."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.broker.port import BrokerAccount
from core.config.exits import ExitSettings
from core.domain.operation.account_settings import AccountField, AccountSetting
from core.domain.operation.commands import CommandKind
from core.domain.orders.order_states import OrderState
from core.domain.positions.tridents import Phase
from core.domain.reporting.alerts import AlertKind, DueAlert, subject_of
from core.records.records import Records
from core.runtime.clock import ShiftedClock
from core.runtime.clock_file import note_clock
from core.snapshot import Mode
from senex_tui.reports.alerts import read_alerts
from senex_tui.reports.recorded_tridents import read_exits, read_tridents
from senex_tui.reports.status import read_status
from senex_tui.support.refusals import Refused
from senex_tui.support.report import Report
from senex_tui.trader.place import Place
from senex_tui.trader.send_command import send
from tests.support.exit_samples import ALL, RULES, closing_fills, exit_of, filled, sent
from tests.support.record_samples import ACCOUNT, AT, after

OTHER = "5WT00002"
PUT_1, PUT_2, CALL = ALL
DEFAULT = ExitSettings().rules(live=False)
NO_CONSOLE = "No console is running: nothing is sent, and what rests at the broker works on."


@pytest.fixture
def place(tmp_path: Path) -> Place:
    note_clock(tmp_path, ShiftedClock(after(3600)))
    return Place(Mode.DEMO, tmp_path / "records.sqlite3", tmp_path / "HALT")


@pytest.fixture
async def records(place: Place) -> AsyncIterator[Records]:
    opened = await Records.open(place.url)
    opened.tridents.default_rules = RULES
    found = [BrokerAccount(number, "Main", "Margin", False) for number in (ACCOUNT, OTHER)]
    await opened.accounts.discover("main", found, enable_new=True, at=AT)
    yield opened
    await opened.close()


def lines(report: Report) -> list[str]:
    return report.to_text().splitlines()


async def test_a_trident_is_told_by_its_recorded_exits(place: Place, records: Records) -> None:
    await filled(records)
    target = await sent(records, exit_of([PUT_1], "x1"), "71")
    await sent(records, exit_of([CALL], "x2", debit="0.97"), "72")
    await records.exits.add_fills(target.id, closing_fills([PUT_1]))
    await records.exits.become(target.id, OrderState.FILLED, at=after(31), broker_status="Filled")
    told = lines(await read_tridents(place, everything=False))
    assert told[0] == "one  …0001  QQQ 622P/619P/622C/625C 2026-04-17 (46 days) at 4.06 credit: targets resting"
    assert [line.strip() for line in told[1:4]] == [
        "put-1  closed at 0.73 on Mon 2 Mar by a target",
        "put-2  whole, no order works on it",
        "call   whole, target at 0.97 (order 72)",
    ]
    assert told[4].strip().startswith("open risk 16.00 $, worst case +33.00 $ before fees, realized ~+")
    assert told[5].strip() == (
        "next: 1 target rests; no target works for put-2: the ticks of its chain are not known; "
        "time exit Fri 10 Apr 10:00"
    )
    assert told[-1] == NO_CONSOLE


async def test_held_exits_are_told_as_what_comes_next(place: Place, records: Records) -> None:
    await filled(records)
    await records.exit_switch.hold("", "anna", "lunch", after(60))
    [told] = (await read_tridents(place, everything=False)).values["tridents"]
    assert told["next"] == "blocked: exits are held by anna since 09:46: lunch"


async def test_what_the_broker_refused_and_what_is_off_is_told_as_the_console_tells_it(
    place: Place, records: Records
) -> None:
    await filled(records)
    for number, unit in enumerate(ALL):
        refused = await sent(records, exit_of([unit], f"x{number}"), None)
        await records.exits.become(refused.id, OrderState.REJECTED, at=after(40 + number), detail="margin")
    [told] = (await read_tridents(place, everything=False)).values["tridents"]
    assert told["next"] == "the broker refused 3 orders of this session; the next session tries again"
    await records.accounts.set(ACCOUNT, AccountSetting(AccountField.EXITS, "off"), "anna", AT)
    [told] = (await read_tridents(place, everything=False)).values["tridents"]
    assert told["next"] == "blocked: exits are off for this account"


async def test_one_that_has_ended_is_told_only_when_all_are_asked_for(place: Place, records: Records) -> None:
    await filled(records)
    closes = await sent(records, exit_of(ALL, "x1", debit="3.66"), "71")
    await records.exits.add_fills(closes.id, closing_fills(ALL))
    await records.exits.become(closes.id, OrderState.FILLED, at=after(31), broker_status="Filled")
    await records.tridents.become("one", Phase.ENDED, after(60))
    assert lines(await read_tridents(place, everything=False))[0] == (
        "No trident is held; `senex tridents --all` has those that have ended."
    )
    [told] = (await read_tridents(place, everything=True)).values["tridents"]
    assert (told["state"], told["next"]) == ("ended", "it has ended")
    assert {unit["state"] for unit in told["units"]} == {"closed"}


async def test_only_one_account_can_be_asked_for(place: Place, records: Records) -> None:
    await filled(records)
    await filled(records, "two", OTHER)
    ids = [one["id"] for one in (await read_tridents(place, everything=False, account="0002")).values["tridents"]]
    assert ids == ["two"]
    with pytest.raises(Refused, match="0003"):
        await read_tridents(place, everything=False, account="0003")
    [told] = (await read_exits(place, DEFAULT, "0002")).values["accounts"]
    assert told["account"] == "…0002"


async def test_how_exits_stand_is_told_with_what_rests(place: Place, records: Records) -> None:
    await filled(records)
    await filled(records, "two", OTHER)
    await sent(records, exit_of([PUT_1], "x1"), "71")
    lost = await sent(records, exit_of([PUT_2], "x2"), "72")
    await records.exits.become(lost.id, OrderState.UNKNOWN, at=after(40))
    await records.accounts.set(OTHER, AccountSetting(AccountField.EXITS, "off"), "anna", AT)
    await records.accounts.set(OTHER, AccountSetting(AccountField.TARGET_CALL, "off"), "anna", AT)
    await records.exit_switch.hold(OTHER, "anna", "lunch", after(60))
    assert lines(await read_exits(place, DEFAULT)) == [
        "…0001  exits all",
        "       targets put-1 40 %, put-2 60 %, call 40 %; time exit at 7 days",
        "       1 trident; 1 closing order rests at the broker (71); next time exit Fri 10 Apr 2026 10:00",
        "       UNKNOWN: 72; `senex reconcile` looks again",
        "…0002  exits off, HELD by anna since 09:46: lunch",
        "       targets put-1 40 %, put-2 60 %, call off; time exit at 7 days",
        "       1 trident; no closing order rests at the broker; next time exit Fri 10 Apr 2026 10:00",
        NO_CONSOLE,
    ]


async def test_the_status_names_what_is_held_and_what_rests(place: Place, records: Records) -> None:
    assert not [line for line in lines(await read_status(place)) if "exits" in line or "closing" in line]
    await filled(records)
    await sent(records, exit_of([PUT_1], "x1"), "71")
    await records.exit_switch.hold(ACCOUNT, "anna", "lunch", after(60))
    told = [line.split(maxsplit=1) for line in lines(await read_status(place)) if "exits" in line]
    assert told == [
        [
            "stopped",
            "exits of …0001 are held by anna since 2026-03-02 09:46:00 ET: lunch; `senex exits on 0001` ends it",
        ],
        [
            "exits",
            "1 closing order rests at the broker (71) and goes on without a console; `senex exits cancel` beside a "
            "running one ends it",
        ],
    ]
    assert (await read_status(place)).values["exits"]["resting"] == ["71"]


async def test_an_alert_about_a_trident_is_listed_under_its_account(place: Place, records: Records) -> None:
    for trident in ("one", "two"):
        due = DueAlert(AlertKind.UNIT_BROKEN, subject_of(ACCOUNT, trident), f"{trident}: put-2 is broken")
        await records.alerts.open(due, AT)
    listed = (await read_alerts(place, everything=False, account="0001")).values["alerts"]
    assert [(one["account"], one["part"]) for one in listed] == [("…0001", "two"), ("…0001", "one")]
    assert (await read_alerts(place, everything=False, account="0002")).values["alerts"] == []


async def test_a_hold_from_a_shell_is_told_without_a_console(place: Place, records: Records) -> None:
    await filled(records)
    await sent(records, exit_of([PUT_1], "x1"), "71")
    await records.close()
    answer = await send(place, CommandKind.EXITS, target="0001", note="hold because lunch")
    assert (answer.exit_code, answer.text) == (
        0,
        "exits: exits of …0001 are held; 1 closing order rests at the broker (71) and stays; "
        "`senex exits cancel 0001` cancels it",
    )
    told = lines(await read_exits(place, DEFAULT))
    assert told[0].startswith("…0001  exits all, HELD by ")
    assert told[0].endswith(" at a shell since 10:45: lunch")
    assert (await send(place, CommandKind.EXITS, target="0001", note="on")).exit_code == 0
    assert lines(await read_exits(place, DEFAULT))[0] == "…0001  exits all"


async def test_before_the_first_start_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no records yet"):
        await read_tridents(Place(Mode.DEMO, tmp_path / "none.sqlite3", tmp_path / "HALT"), everything=False)
