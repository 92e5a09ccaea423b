"""`senex demo --days N`: the days are the same every time, kept once, and never half."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from core.config.settings import Settings
from core.domain.operation import amounts
from core.domain.reporting.cash_sum import cash_words
from core.domain.reporting.money import Period
from core.runtime.virtual_time import VirtualClock, run_virtual
from core.simulator.exchange.saved import read_state
from core.simulator.exchange.transactions import SimTransaction
from core.snapshot import Mode
from senex_tui.reports.pnl import read_pnl
from senex_tui.run.lived.before import traded_by
from senex_tui.run.lived.kept import ABOUT, RECORDS, STATE, KeptDays, Wanted, kept_days
from senex_tui.run.lived.order import Lived, LivedDay, LivedOrder
from senex_tui.run.lived.process import live_in_child
from senex_tui.run.lived.progress import DaysProgress, bar_line
from senex_tui.support.refusals import Refused
from senex_tui.trader.place import Place
from tests.support.proofs import rounds
from tests.support.senex_command import SENEX, Box

CODE = "0123456789abcdef"
ACCOUNT = "5WT00007"
OPENS = date(2026, 3, 2)
CASH = Decimal("25000.00")
SESSIONS = rounds(8, 15)
"""Enough that some targets have filled."""


def order_in(folder: Path, sessions: int = 2) -> LivedOrder:
    return LivedOrder(
        records=folder / RECORDS,
        save_to=folder / STATE,
        code=CODE,
        settings=traded_by(Settings()),
        halt_file=folder / "HALT",
        seed=7,
        account=ACCOUNT,
        cash=CASH,
        sessions=sessions,
        opens_on=OPENS,
        position_limit=40,
    )


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[LivedDay], Lived]:
    """Two sessions, lived once for all tests of this file."""
    folder = tmp_path_factory.mktemp("lived")
    days: list[LivedDay] = []
    return folder, days, live_in_child(order_in(folder), days.append)


def rows_of(records: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(f"file:{records}?mode=ro", uri=True)) as opened:
        tables = [name for (name,) in opened.execute("select name from sqlite_master where type = 'table'")]
        return {name: opened.execute(f'select * from "{name}"').fetchall() for name in tables}


def test_the_days_are_those_before_the_opening_and_end_in_order(lived: tuple[Path, list[LivedDay], Lived]) -> None:
    folder, days, end = lived
    assert [(day.day, day.done, day.of) for day in days] == [(date(2026, 2, 26), 1, 2), (date(2026, 2, 27), 2, 2)]
    assert (end.at, end.opens) == (datetime.fromisoformat("2026-02-28T03:45:00Z"), OPENS)
    state = read_state(folder / STATE, CODE)
    assert state.at == end.at
    assert [account.cash for account in state.accounts] == [days[-1].cash]
    assert sum(order.status == "Filled" for order in state.orders) == days[-1].entries > 0
    rows = rows_of(folder / RECORDS)
    assert len(rows["slots"]) == 2 * 21
    assert len(rows["entries"]) == days[-1].entries
    with closing(sqlite3.connect(folder / RECORDS)) as records:
        assert records.execute("select kind from events order by seq desc limit 1").fetchone() == ("engine.stopped",)
        assert records.execute("select position_limit from accounts").fetchall() == [(40,)]
        assert not records.execute("select text from events where kind like 'breaker.%'").fetchall(), (
            "prices come before whatever asks whether the feed is live"
        )
        assert records.execute("pragma integrity_check").fetchone() == ("ok",)
        assert records.execute("pragma journal_mode").fetchone() == ("wal",)
    assert {file.name for file in folder.iterdir()} == {RECORDS, STATE}, "nothing is left that a copy would miss"
    assert end.earned is not None
    assert (end.earned.before, end.earned.now, end.earned.difference) == (CASH, days[-1].cash, 0)
    assert end.earned.unrealized is not None, "marked at the close"


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_what_the_days_earned_is_the_broker_s_cash_to_the_cent(tmp_path: Path) -> None:
    """Sessions with exits on: the report, its CSV and the sum, against the simulated broker's own rows."""
    end = live_in_child(order_in(tmp_path, sessions=SESSIONS), lambda day: None)
    [account] = read_state(tmp_path / STATE, CODE).accounts
    assert not account.postings, "all of it is posted"
    rows = {(row.order_id, row.symbol, row.fill_id): row for row in account.posted}
    assert account.cash == CASH + sum(row.net_value for row in account.posted)

    with closing(sqlite3.connect(f"file:{tmp_path / RECORDS}?mode=ro", uri=True)) as records:
        units = records.execute("select trident_id, unit, state, short_symbol, long_symbol from units").fetchall()
        orders = dict(records.execute("select intent_id, order_id from intent_orders").fetchall())
        critical = records.execute("select text from events where severity = 'crit'").fetchall()
        whole = {intent for intent, state in records.execute("select id, state from entries") if state == "filled"}
    assert critical == [], "nothing of it had to be looked at"
    assert whole == {trident for trident, *_ in units}
    closed = {(trident, unit) for trident, unit, state, *_ in units if state == "closed"}
    assert len(closed) > 2, "targets were filled"

    def brought(trident: str, unit: str, short: str, long: str) -> Decimal:
        """What the opening of a unit brought by the broker's rows: of two puts each the half."""
        order_id = int(orders[trident])
        value = sum(row.value for key, row in rows.items() if key[0] == order_id and key[1] in (short, long))
        return value / (1 if unit == "call" else 2)

    received = {(u[0], u[1]): brought(u[0], u[1], u[3], u[4]) for u in units}
    still_open = sum((received[key] for key in received.keys() - closed), Decimal(0))
    fees = sum(row.fees.total_fees for row in account.posted)
    realized = account.cash - CASH - still_open

    place = Place(Mode.DEMO, tmp_path / RECORDS, tmp_path / "HALT")
    report = asyncio.run(read_pnl(place, Period.MONTH, None, None, with_lots=True))
    lots = list(csv.DictReader(io.StringIO(report.to_csv())))
    assert {(lot["trade"], _unit(lot)) for lot in lots} == {(trident, unit[:3]) for trident, unit in closed}
    opening = sum(
        (_opening_fees(rows, int(orders[trident])) / 3 for trident, _ in received.keys() - closed), Decimal(0)
    )
    of_lots = sum(Decimal(lot["realized"]) for lot in lots)
    assert abs(of_lots - opening - realized) < Decimal("0.01") * len(received), (
        "fees of an opening are split to the cent"
    )
    assert f"{amounts.signed_dollars(realized)}  after {amounts.dollars(fees)} of fees" in report.to_text()
    assert end.earned is not None
    assert (end.earned.realized, end.earned.fees, end.earned.open) == (realized, fees, still_open)
    assert (end.earned.own, end.earned.waiting, end.earned.difference) == (0, 0, 0)
    assert "it balances with the broker's cash" in cash_words(end.earned, SESSIONS)


def _unit(lot: dict[str, str]) -> str:
    return "cal" if lot["right"] == "call" else "put"


def _opening_fees(rows: dict[tuple[int | None, str | None, str | None], SimTransaction], order_id: int) -> Decimal:
    return sum((row.fees.total_fees for key, row in rows.items() if key[0] == order_id), Decimal(0))


def test_the_same_days_are_lived_in_another_process(lived: tuple[Path, list[LivedDay], Lived], tmp_path: Path) -> None:
    folder, days, end = lived
    again: list[LivedDay] = []
    assert live_in_child(order_in(tmp_path), again.append) == end
    assert again == days
    assert (tmp_path / STATE).read_bytes() == (folder / STATE).read_bytes()
    assert rows_of(tmp_path / RECORDS) == rows_of(folder / RECORDS)


def test_days_go_on_from_a_saved_state_and_settle_what_was_halted(
    lived: tuple[Path, list[LivedDay], Lived], tmp_path: Path
) -> None:
    """After an assignment no later day had an entry."""
    folder = lived[0]
    shutil.copy(folder / RECORDS, tmp_path / RECORDS)
    halted = [("assigned", ACCOUNT), ("mismatch", ACCOUNT)]
    with closing(sqlite3.connect(tmp_path / RECORDS)) as records, records:
        columns = "kind, subject, opened_at, why, closed_by, closing_why"
        query = f"insert into breakers ({columns}) values (?, ?, ?, 'a proof', '', '')"
        records.executemany(query, [(*each, "2026-02-27T21:00:00.000000Z") for each in halted])
    more: list[LivedDay] = []
    until = datetime.fromisoformat("2026-03-03T14:34:45Z")
    order = replace(
        order_in(tmp_path), state=folder / STATE, save_to=tmp_path / STATE, until=until, sessions=0, position_limit=None
    )
    assert live_in_child(order, more.append) == Lived(until, date(2026, 3, 3))
    assert [(day.day, day.done, day.of) for day in more] == [(OPENS, 1, 1)]
    before, after = rows_of(folder / RECORDS), rows_of(tmp_path / RECORDS)
    assert after["events"][: len(before["events"])] == before["events"]
    assert len(after["slots"]) == len(before["slots"]) + 21
    with closing(sqlite3.connect(tmp_path / RECORDS)) as records:
        kinds = {kind for (kind,) in records.execute("select kind from events")}
        ids = [row[0] for row in records.execute("select id from entries")]
        settled = records.execute("select kind, subject, closed_by from breakers order by kind").fetchall()
    assert settled == [(*each, "operator (lived)") for each in halted]
    assert not {kind for kind in kinds if kind.startswith(("clock.", "mismatch"))}
    assert len(ids) > lived[1][-1].entries
    assert len(ids) == len(set(ids)) == more[-1].entries


def wanted(seed: int = 7, code: str = CODE) -> Wanted:
    return Wanted(seed, 2, OPENS, ACCOUNT, Decimal("25000.00"), 40, traded_by(Settings()), code)


def copied(lived: tuple[Path, list[LivedDay], Lived], made: list[Path]) -> Callable[[Path], Lived]:
    """Makes a history by copying the one that was lived; `made` gets the folder."""

    def live(folder: Path) -> Lived:
        made.append(folder)
        for name in (RECORDS, STATE):
            shutil.copy(lived[0] / name, folder / name)
        return lived[2]

    return live


def test_a_history_is_lived_once_and_kept_by_what_it_follows_from(
    lived: tuple[Path, list[LivedDay], Lived], tmp_path: Path
) -> None:
    made: list[Path] = []
    first = kept_days(tmp_path, wanted(), copied(lived, made))
    assert first == KeptDays(tmp_path / wanted().key, ACCOUNT, CODE, lived[2].at, OPENS, lived[2].earned)
    assert kept_days(tmp_path, wanted(), copied(lived, made)) == first
    assert len(made) == 1
    others = [
        wanted(seed=8),
        wanted(code="f" * 16),
        replace(wanted(), sessions=3),
        replace(wanted(), opens_on=date.max),
    ]
    for other in others:
        kept_days(tmp_path, other, copied(lived, made))
    assert len(made) == 5
    kept = {folder.name for folder in tmp_path.iterdir() if folder.is_dir()}
    assert kept == {other.key for other in others[1:]}, "the newest three stay"


@pytest.mark.parametrize("name", [RECORDS, STATE, ABOUT])
@pytest.mark.parametrize("harm", ["cut", "changed", "gone"])
def test_a_torn_history_is_said_and_made_again(
    lived: tuple[Path, list[LivedDay], Lived],
    tmp_path: Path,
    name: str,
    harm: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made: list[Path] = []
    kept = kept_days(tmp_path, wanted(), copied(lived, made))
    file = kept.folder / name
    text = file.read_bytes()
    if harm == "gone":
        file.unlink()
    else:
        file.write_bytes(text[: len(text) // 2] if harm == "cut" else text[:-9] + b"#" + text[-8:])
    assert kept_days(tmp_path, wanted(), copied(lived, made)) == kept
    assert len(made) == 2
    assert "the kept history is torn (" in capsys.readouterr().err
    assert (kept.folder / RECORDS).read_bytes() == (lived[0] / RECORDS).read_bytes()


@pytest.mark.parametrize("what", ["a file", "a link", "a link to nothing"])
def test_what_stands_in_the_place_of_a_history_is_said_and_goes(
    lived: tuple[Path, list[LivedDay], Lived], tmp_path: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root, elsewhere = tmp_path / "kept", tmp_path / "elsewhere"
    root.mkdir()
    place = root / wanted().key
    if what == "a file":
        place.write_text("of another program")
    else:
        place.symlink_to(elsewhere)
    if what == "a link":
        elsewhere.mkdir()
        (elsewhere / ABOUT).write_text("of another program")
    assert kept_days(root, wanted(), copied(lived, [])).folder == place
    assert "the kept history is torn (" in capsys.readouterr().err
    assert not place.is_symlink()
    assert what != "a link" or (elsewhere / ABOUT).exists(), "what a link leads to is somebody's own"


def test_what_fails_or_is_given_up_leaves_nothing(lived: tuple[Path, list[LivedDay], Lived], tmp_path: Path) -> None:
    for failure in (KeyboardInterrupt, OSError):

        def live(folder: Path, failure: type[BaseException] = failure) -> Lived:
            (folder / RECORDS).write_bytes(b"half")
            raise failure

        with pytest.raises(failure):
            kept_days(tmp_path, wanted(), live)
        assert [f.name for f in tmp_path.iterdir()] == ["lock"]
    (tmp_path / ".making-4242").mkdir()
    (tmp_path / ".making-4242" / RECORDS).write_bytes(b"of a process that was killed")
    kept_days(tmp_path, wanted(), copied(lived, []))
    assert sorted(f.name for f in tmp_path.iterdir()) == sorted(["lock", wanted().key])


def test_a_state_of_other_code_is_refused_in_a_sentence(
    lived: tuple[Path, list[LivedDay], Lived], tmp_path: Path
) -> None:
    order = replace(order_in(tmp_path), state=lived[0] / STATE, until=lived[2].at, code="f" * 16)
    with pytest.raises(Refused, match="the state of the simulated broker was made by another version"):
        live_in_child(order, lambda day: None)


@pytest.mark.parametrize("asked", ["INT", "KILL"])
def test_a_demo_whose_days_are_interrupted_keeps_nothing_and_leaves_no_process(box: Box, asked: str) -> None:
    data = box.home / "data"
    with subprocess.Popen(
        [SENEX, "--data-dir", str(data), "demo", "--days", "250", "--plain"],
        env=box.environment(),
        cwd=box.home,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert "ctrl+c gives up" in process.stderr.readline()
        deadline = time.monotonic() + 60
        while not list(data.glob(f"demo/kept/.making-*/{RECORDS}")) and time.monotonic() < deadline:
            time.sleep(0.05)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert children
        process.send_signal(getattr(signal, f"SIG{asked}"))
        said = process.communicate(timeout=30)[1]
        assert process.returncode == (130 if asked == "INT" else -signal.SIGKILL)
        assert ("given up; nothing was kept" in said) is (asked == "INT")
    while any(_runs(pid) for pid in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in children if _runs(pid)]
    left = {path.name for path in (data / "demo" / "kept").iterdir()}
    assert left == ({"lock"} if asked == "INT" else {"lock", *(n for n in left if n.startswith(".making-"))})
    assert not list(data.glob("demo/worlds/*"))


def _runs(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:1]


@pytest.mark.parametrize("days", ["0", "251", "x", "-1"])
def test_a_number_of_days_out_of_range_is_refused(box: Box, days: str) -> None:
    done = box.run("demo", "--days", days, "--plain")
    assert done.returncode == 2
    assert "--days" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_data_folder_without_rights_is_said_in_a_sentence(box: Box) -> None:
    blocked = box.write(box.home / "file", "not a folder")
    done = box.run("--data-dir", str(blocked), "demo", "--days", "2", "--plain")
    assert done.returncode == 2
    assert "use --data-dir with" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_time_left_counts_the_start_of_the_process_once(capsys: pytest.CaptureFixture[str]) -> None:
    async def shown(clock: VirtualClock) -> None:
        progress = DaysProgress("before the demo", clock, ascii_only=False)
        await clock.sleep(9.0)
        for done in range(1, 21):
            await clock.sleep(1.0)
            progress.show(LivedDay(date(2026, 9, 28), done, 20, done, Decimal(25000)))

    run_virtual(shown, datetime(2026, 11, 30, 14, 44, 45, tzinfo=UTC))
    [half] = [line for line in capsys.readouterr().err.splitlines() if " 10/20 " in line]
    assert " 10 s left" in half


@pytest.mark.parametrize("columns", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("done", [1, 9, 23, 60])
def test_the_bar_fits_the_terminal(columns: int, done: int) -> None:
    day = LivedDay(date(2026, 9, 28), done, 60, done - 1, Decimal(25000))
    line = bar_line(day, "before the demo", 600 - 10 * done, columns)
    assert len(line + "^C") < columns, "what ctrl+c leaves on the line is taken away with it"
    assert f" {done}/60" in line
    assert "ctrl+c gives up" in line or columns < 60
    assert line.count("█") == (line.count("█") + line.count("░")) * done // 60
