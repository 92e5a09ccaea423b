"""The daily and the weekly mail: once, after the close, also when nothing happened (SPEC 11)."""

from __future__ import annotations

from pathlib import Path

from core.domain.operation.account_settings import AccountField, AccountSetting
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.mail_preference import MailPreference
from core.domain.operation.outcomes import Outcome
from core.domain.operation.reasons import Reason
from core.domain.orders.order_states import EntryState
from core.domain.reporting.figures import AccountRun
from tests.core.notify.mail_queue_alone import OTHER, Office, in_office
from tests.support.record_samples import ACCOUNT, DAY
from tests.support.world import et

FRIDAY = "2026-03-06"
WEEKLY = AccountSetting(AccountField.MAIL, MailPreference.WEEKLY.value)


def subjects(office: Office) -> list[str]:
    return [s.removeprefix("Senex: ") for s in office.post.subjects]


async def after_close(office: Office, day: str, at: str = "16:20") -> None:
    """As the engine does: a look well before, and one well after the close."""
    await office.until("15:00", day)
    await office.mail.digest()
    await office.until(at, day)
    await office.mail.digest()
    await office.mail.digest()
    await office.mail.send_due()


def test_the_daily_mail_says_what_happened_and_what_stands(tmp_path: Path) -> None:
    async def days(office: Office) -> None:
        await office.open(MailPreference.DAILY, sends=False)
        await office.fill(await office.works())
        await office.become(await office.works("two", OTHER), EntryState.REJECTED, "Rejected", f"no money in {OTHER}")
        await after_close(office, "2026-03-02")
        assert subjects(office) == ["Mon 2 Mar 2026: 1 filled, 1 rejected"]
        text = office.post.taken[0].text
        assert "FILLED at 4.06 credit: QQQ 622P/619P/622C/625C, expires Fri 17 Apr 2026, max risk $194" in text
        assert "REJECTED: QQQ 622P/619P/622C/625C, expires Fri 17 Apr 2026, limit 4.06, max risk $194" in text
        assert "(no money in …0002)" in text
        assert "Open tridents: 1, max risk $194 in all" in text
        assert "No cycle ran." in text
        assert ACCOUNT not in text
        assert OTHER not in text

        await office.records.breakers.open(BreakerKind.INCIDENT, ACCOUNT, "look at it", office.clock.now())
        await after_close(office, "2026-03-03")
        assert subjects(office)[1:] == ["Tue 3 Mar 2026: no entry"]
        assert "…0001: entries are stopped: look at it; settle it at the broker" in office.post.taken[1].text

    in_office(days, tmp_path)


def test_each_account_is_told_why_it_did_not_trade(tmp_path: Path) -> None:
    async def days(office: Office) -> None:
        await office.open(MailPreference.DAILY, sends=False)
        cycles = office.records.cycles
        refused = Reason.RISK_ABOVE_BUDGET, f"the budget of {ACCOUNT} is too small"
        entered, held = (None, ""), (Reason.ENTRY_TODAY, "it has its entry")
        for mine, theirs in ((refused, refused), (refused, entered), (refused, held)):
            number = await cycles.begin(DAY, None, True, office.clock.now())
            assert number is not None
            runs = [_run(number, ACCOUNT, *mine), _run(number, OTHER, *theirs)]
            await cycles.end(number, "skipped", "", "", {}, office.clock.now(), runs)
        await after_close(office, "2026-03-02")
        mine, theirs = office.post.taken[0].text.split("Account …0002")
        assert "3 times: the budget of …0001 is too small" in mine
        assert "Once: the budget of" in theirs
        assert "it has its entry" not in theirs
        assert ACCOUNT not in office.post.taken[0].text

        await office.records.accounts.set(ACCOUNT, WEEKLY, "anna", office.clock.now())
        await after_close(office, FRIDAY)
        [week] = [sent.text for sent in office.post.taken if "week of" in sent.subject]
        assert "no entry; 3 times: the budget of …0001 is too small" in " ".join(week.split())

    in_office(days, tmp_path)


def _run(cycle: int, number: str, reason: Reason | None, text: str) -> AccountRun:
    code, outcome = ("", Outcome.SUCCEEDED) if reason is None else (reason.code, Outcome.SKIPPED)
    return AccountRun(cycle, number, DAY, outcome, code, text, 1, True, 0)


def test_a_digest_is_written_once_whatever_restarts(tmp_path: Path) -> None:
    async def days(office: Office) -> None:
        await office.open(MailPreference.DAILY, sends=False)
        await after_close(office, "2026-03-02")
        await office.close()
        await office.open(MailPreference.DAILY, sends=False)
        await office.mail.digest()
        await office.mail.send_due()
        assert subjects(office) == ["Mon 2 Mar 2026: no entry"]

    in_office(days, tmp_path)


def test_a_day_whose_evening_had_no_console_is_told_in_the_morning(tmp_path: Path) -> None:
    async def days(office: Office) -> None:
        await office.open(MailPreference.DAILY, sends=False)
        await office.until("08:00", "2026-03-03")
        await office.mail.digest()
        await office.mail.send_due()
        assert subjects(office) == ["Mon 2 Mar 2026: no entry"]

    in_office(days, tmp_path)


def test_a_console_set_up_after_the_close_tells_nothing_of_the_day(tmp_path: Path) -> None:
    async def days(office: Office) -> None:
        await office.open(MailPreference.DAILY, sends=False)
        await office.mail.digest()
        await office.mail.send_due()
        assert subjects(office) == []

    in_office(days, tmp_path, start=et("2026-03-02", "16:01"))


def test_only_accounts_that_want_it_are_in_it(tmp_path: Path) -> None:
    async def days(office: Office) -> None:
        await office.open(MailPreference.NEVER, sends=False)
        await after_close(office, "2026-03-02")
        assert subjects(office) == []

    in_office(days, tmp_path)


def test_the_weekly_mail_comes_after_the_weeks_last_session_with_every_day(tmp_path: Path) -> None:
    async def days(office: Office) -> None:
        await office.open(MailPreference.WEEKLY, sends=False)
        await office.fill(await office.works())
        for day in ("2026-03-02", "2026-03-05"):
            await after_close(office, day)
        assert subjects(office) == []
        await after_close(office, FRIDAY)
        assert subjects(office) == ["week of Mon 2 Mar 2026: 1 filled"]
        lines = office.post.taken[0].text.splitlines()
        first = lines.index("Account …0001") + 1
        week = [line.partition(": ")[::2] for line in lines[first : first + 5]]
        assert [(day, what.strip()) for day, what in week] == [
            ("Mon 2 Mar", "filled QQQ 622P/619P/622C/625C at 4.06 credit"),
            ("Tue 3 Mar", "no entry"),
            ("Wed 4 Mar", "no entry"),
            ("Thu 5 Mar", "no entry"),
            ("Fri 6 Mar", "no entry"),
        ]

    in_office(days, tmp_path)


def test_a_week_that_ends_on_a_thursday_before_a_holiday(tmp_path: Path) -> None:
    async def days(office: Office) -> None:
        await office.open(MailPreference.WEEKLY, sends=False)
        await after_close(office, "2026-04-02")  # Good Friday follows
        assert subjects(office) == ["week of Mon 30 Mar 2026: no entry"]

    in_office(days, tmp_path, start=et("2026-04-02", "09:00"))


def test_a_half_day_is_told_after_its_own_close(tmp_path: Path) -> None:
    async def days(office: Office) -> None:
        await office.open(MailPreference.DAILY, sends=False)
        await office.until("13:10", "2026-11-27")
        await office.mail.digest()
        assert await office.records.outbox.waiting() == ()
        await office.until("13:20", "2026-11-27")
        await office.mail.digest()
        assert [m.key for m in await office.records.outbox.waiting()] == ["daily:2026-11-27"]

    in_office(days, tmp_path, start=et("2026-11-27", "09:00"))
