"""The daily and the weekly mail: sent once, after the close, even when nothing happened (rules 11)."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.domain.operation.account_settings import AccountField, AccountSetting
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.mail_preference import MailPreference
from core.domain.operation.outcomes import Outcome
from core.domain.operation.reasons import Reason
from core.domain.orders.order_states import OrderState
from core.domain.positions.units import UnitName
from core.domain.reporting.figures import AccountRun
from core.positions.earnings import Earnings
from tests.core.notify.mail_without_engine import OTHER, MailQueueSetup, with_mail_queue
from tests.support.exit_samples import RULES, closing_fills, exit_of, sent
from tests.support.record_samples import ACCOUNT, DAY, entry
from tests.support.world import calendar_around, et

FRIDAY = "2026-03-06"
WEEKLY = AccountSetting(AccountField.MAIL, MailPreference.WEEKLY.value)


def subjects(setup: MailQueueSetup) -> list[str]:
    return [s.removeprefix("Senex: ") for s in setup.server.subjects]


async def after_close(setup: MailQueueSetup, day: str, at: str = "16:20") -> None:
    """Checks as the engine does: once well before, and once well after the close."""
    await setup.until("15:00", day)
    await setup.mail.digest()
    await setup.until(at, day)
    await setup.mail.digest()
    await setup.mail.digest()
    await setup.mail.send_due()


def test_the_daily_mail_says_what_happened_and_what_stands(tmp_path: Path) -> None:
    async def days(setup: MailQueueSetup) -> None:
        await setup.open(MailPreference.DAILY, sends=False)
        await setup.fill(await setup.works())
        await setup.become(await setup.works("two", OTHER), OrderState.REJECTED, "Rejected", f"no money in {OTHER}")
        await after_close(setup, "2026-03-02")
        assert subjects(setup) == ["Mon 2 Mar 2026: 1 filled, 1 rejected"]
        text = setup.server.taken[0].text
        what = "QQQ 622P/619P/622C/625C, expires Fri 17 Apr 2026"
        assert f"{what}: FILLED 4.06; mid 4.10, max risk 194.00 $, order 413" in text
        assert f"{what}: REJECTED: no money in …0002; limit 4.06, max risk 194.00 $, order 413" in text
        assert "Open tridents: 1, open risk 194.00 $ in all" in text
        assert "No cycle ran." in text
        assert "Next: done today (filled 4.06)." in text
        assert "Next: no slot is left today; the next is Tue 3 Mar 09:45." in text
        assert ACCOUNT not in text
        assert OTHER not in text

        await setup.records.breakers.open(BreakerKind.INCIDENT, ACCOUNT, "look at it", setup.clock.now())
        await setup.until("11:00", "2026-03-03")
        await setup.records.trading.pause("ana", "lunch", setup.clock.now())
        await after_close(setup, "2026-03-03")
        assert subjects(setup)[1:] == ["Tue 3 Mar 2026: no entry"]
        paused = "Automation is paused by ana since Tue 3 Mar 2026 11:00:00 ET: lunch."
        assert paused in setup.server.taken[1].text
        assert "Next: PAUSED by ana since 11:00: lunch." in setup.server.taken[1].text
        assert "…0001: entries are stopped: look at it; settle it at the broker" in setup.server.taken[1].text

    with_mail_queue(days, tmp_path)


def test_a_digest_tells_what_was_realized_what_rests_and_the_next_time_exit(tmp_path: Path) -> None:
    async def days(setup: MailQueueSetup) -> None:
        await setup.open(MailPreference.DAILY, sends=False)
        setup.records.tridents.default_rules = RULES
        await setup.fill(await setup.works())
        targets = [exit_of([name], f"x-{name}") for name in UnitName]
        for number, target in enumerate(targets):
            await sent(setup.records, target, f"7{number}")
        await setup.records.exits.add_fills("x-put-1", closing_fills([UnitName.PUT_1], "70"))
        await setup.records.exits.become("x-put-1", OrderState.FILLED, at=setup.clock.now(), order_id="70")
        calendar = calendar_around(2026)
        await Earnings(setup.records, setup.bus, setup.clock, calendar).work_out(ACCOUNT)
        await setup.records.exit_switch.hold("", "anna", "lunch", setup.clock.now())
        await after_close(setup, "2026-03-02")
        text = setup.server.taken[0].text
        assert "Realized ~" in text
        assert "2 closing orders rest at the broker." in text
        assert "No closing order is sent: exits are held by anna since " in text
        assert "Next time exits: Fri 10 Apr 10:00 QQQ 622P/619P/622C/625C." in text

    with_mail_queue(days, tmp_path)


def test_each_account_is_told_why_it_did_not_trade(tmp_path: Path) -> None:
    async def days(setup: MailQueueSetup) -> None:
        await setup.open(MailPreference.DAILY, sends=False)
        cycles = setup.records.cycles
        refused = Reason.RISK_ABOVE_BUDGET, f"the budget of {ACCOUNT} is too small"
        entered, held = (None, ""), (Reason.ENTRY_TODAY, "it has its entry")
        for mine, theirs in ((refused, refused), (refused, entered), (refused, held)):
            number = await cycles.begin(DAY, None, True, setup.clock.now())
            assert number is not None
            runs = [_run(number, ACCOUNT, *mine), _run(number, OTHER, *theirs)]
            await cycles.end(number, "skipped", "", "", {}, setup.clock.now(), runs)
        await after_close(setup, "2026-03-02")
        mine, theirs = setup.server.taken[0].text.split("Account …0002")
        assert "3 times: the budget of …0001 is too small" in mine
        assert "Once: the budget of" in theirs
        assert "it has its entry" not in theirs
        assert ACCOUNT not in setup.server.taken[0].text

        await setup.records.accounts.set(ACCOUNT, WEEKLY, "anna", setup.clock.now())
        await after_close(setup, FRIDAY)
        [week] = [sent.text for sent in setup.server.taken if "week of" in sent.subject]
        assert "no entry; 3 times: the budget of …0001 is too small" in " ".join(week.split())

    with_mail_queue(days, tmp_path)


@pytest.mark.parametrize(
    ("recorded", "state", "told"),
    [
        (None, OrderState.REJECTED, "rejected"),
        (Reason.OUTCOME_UNKNOWN, OrderState.FILLED, "filled"),
    ],
)
def test_a_cycle_whose_entry_went_on_after_it_is_told_by_its_fate(
    tmp_path: Path, recorded: Reason | None, state: OrderState, told: str
) -> None:
    async def days(setup: MailQueueSetup) -> None:
        await setup.open(MailPreference.DAILY, sends=False)
        number = await setup.records.cycles.begin(DAY, None, True, setup.clock.now())
        assert number == entry().cycle
        made = await setup.works()
        run = _run(number, ACCOUNT, recorded, "nobody knows")
        code = "" if recorded is None else recorded.code
        await setup.records.cycles.end(number, run.outcome.value, code, run.reason_text, {}, setup.clock.now(), [run])
        await (setup.fill(made) if state is OrderState.FILLED else setup.become(made, state, "Rejected", "no money"))
        await after_close(setup, "2026-03-02")
        assert subjects(setup) == [f"Mon 2 Mar 2026: 1 {told}"]
        text = setup.server.taken[0].text
        assert f"1 cycle: 1 {told}." in text
        assert "nobody knows" not in text
        assert "nce: " not in text, "the entry's own line tells why"

    with_mail_queue(days, tmp_path)


def _run(cycle: int, number: str, reason: Reason | None, text: str) -> AccountRun:
    code, outcome = ("", Outcome.SUCCEEDED) if reason is None else (reason.code, Outcome.SKIPPED)
    return AccountRun(cycle, number, DAY, outcome, code, text, 1, True, 0)


def test_a_digest_is_written_once_whatever_restarts(tmp_path: Path) -> None:
    async def days(setup: MailQueueSetup) -> None:
        await setup.open(MailPreference.DAILY, sends=False)
        await after_close(setup, "2026-03-02")
        await setup.close()
        await setup.open(MailPreference.DAILY, sends=False)
        await setup.mail.digest()
        await setup.mail.send_due()
        assert subjects(setup) == ["Mon 2 Mar 2026: no entry"]

    with_mail_queue(days, tmp_path)


def test_a_day_whose_evening_had_no_console_is_told_in_the_morning(tmp_path: Path) -> None:
    async def days(setup: MailQueueSetup) -> None:
        await setup.open(MailPreference.DAILY, sends=False)
        await setup.until("08:00", "2026-03-03")
        await setup.mail.digest()
        await setup.mail.send_due()
        assert subjects(setup) == ["Mon 2 Mar 2026: no entry"]

    with_mail_queue(days, tmp_path)


def test_a_console_set_up_after_the_close_tells_nothing_of_the_day(tmp_path: Path) -> None:
    async def days(setup: MailQueueSetup) -> None:
        await setup.open(MailPreference.DAILY, sends=False)
        await setup.mail.digest()
        await setup.mail.send_due()
        assert subjects(setup) == []

    with_mail_queue(days, tmp_path, start=et("2026-03-02", "16:01"))


def test_only_accounts_that_want_it_are_in_it(tmp_path: Path) -> None:
    async def days(setup: MailQueueSetup) -> None:
        await setup.open(MailPreference.NEVER, sends=False)
        await after_close(setup, "2026-03-02")
        assert subjects(setup) == []

    with_mail_queue(days, tmp_path)


def test_the_weekly_mail_comes_after_the_weeks_last_session_with_every_day(tmp_path: Path) -> None:
    async def days(setup: MailQueueSetup) -> None:
        await setup.open(MailPreference.WEEKLY, sends=False)
        await setup.fill(await setup.works())
        for day in ("2026-03-02", "2026-03-05"):
            await after_close(setup, day)
        assert subjects(setup) == []
        await after_close(setup, FRIDAY)
        assert subjects(setup) == ["week of Mon 2 Mar 2026: 1 filled"]
        lines = setup.server.taken[0].text.splitlines()
        first = lines.index("Account …0001") + 1
        week = [line.partition(": ")[::2] for line in lines[first : first + 5]]
        assert [(day, what.strip()) for day, what in week] == [
            ("Mon 2 Mar", "filled QQQ 622P/619P/622C/625C at 4.06 credit"),
            ("Tue 3 Mar", "no entry"),
            ("Wed 4 Mar", "no entry"),
            ("Thu 5 Mar", "no entry"),
            ("Fri 6 Mar", "no entry"),
        ]

    with_mail_queue(days, tmp_path)


def test_a_week_that_ends_on_a_thursday_before_a_holiday(tmp_path: Path) -> None:
    async def days(setup: MailQueueSetup) -> None:
        await setup.open(MailPreference.WEEKLY, sends=False)
        await after_close(setup, "2026-04-02")  # Good Friday follows
        assert subjects(setup) == ["week of Mon 30 Mar 2026: no entry"]

    with_mail_queue(days, tmp_path, start=et("2026-04-02", "09:00"))


def test_a_half_day_is_told_after_its_own_close(tmp_path: Path) -> None:
    async def days(setup: MailQueueSetup) -> None:
        await setup.open(MailPreference.DAILY, sends=False)
        await setup.until("13:10", "2026-11-27")
        await setup.mail.digest()
        assert await setup.records.outbox.waiting() == ()
        await setup.until("13:20", "2026-11-27")
        await setup.mail.digest()
        assert [m.key for m in await setup.records.outbox.waiting()] == ["daily:2026-11-27"]

    with_mail_queue(days, tmp_path, start=et("2026-11-27", "09:00"))
