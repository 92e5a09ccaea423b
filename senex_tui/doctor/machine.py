"""The doctor's checks of this machine, and the list of all checks."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from core.domain.operation.failures import failure_words
from core.domain.operation.times import minute, weekday
from core.guards.kill_files import HALT_ALL, halted_by, halting_entries
from senex_tui.doctor.database import lock_row, records_row
from senex_tui.doctor.doctor import ABOUT_THE_BROKER, Check, Finding, Post, Row, one
from senex_tui.doctor.exposure import with_exposures
from senex_tui.doctor.phone import phone_row
from senex_tui.doctor.redis import redis_row
from senex_tui.support.terminal import not_kept_running, refusal_for_terminal, too_small
from senex_tui.trader.place import Place, place_of

if TYPE_CHECKING:
    from core.config.folders import Folders
    from core.config.loader import Loaded
    from core.snapshot import Mode

SCARCE_BYTES, FULL_BYTES = 1_000_000_000, 100_000_000
CALENDAR_DAYS = timedelta(days=60)
SERVER_S = 5.0


@dataclass(frozen=True, slots=True)
class Setup:
    """The folders, settings and mode that the checks work with. `trouble` says why settings or mode are missing.

    `place` is where the records are; without one they are where the settings say. Without `reads_all` the file of the
    records is not read from end to end.
    """

    folders: Folders
    loaded: Loaded | None
    mode: Mode | None
    trouble: tuple[str, ...] = ()
    place: Place | None = None
    reads_all: bool = True

    @property
    def records_file(self) -> Path:
        if self.place is not None:
            return self.place.records_file
        return self.folders.records(self.mode.value if self.mode else "dry-run")

    @property
    def database(self) -> Place | None:
        """The records in PostgreSQL; None when they are in a file."""
        if self.place is not None:
            return self.place if self.place.database is not None else None
        url = None if self.loaded is None else self.loaded.settings.database.url
        return None if url is None or self.mode is None else place_of(self.folders, self.mode, url)


def all_checks(setup: Setup) -> Sequence[Check]:
    """All checks, in the order in which their rows are shown."""

    def exposed(name: str, look: Callable[[], Row], todo: str) -> Check:
        return one(name, lambda: with_exposures(look(), setup.loaded, setup.folders, setup.mode), todo)

    return (
        exposed("settings", lambda: _settings(setup), "see `senex check`"),
        Check(ABOUT_THE_BROKER, lambda post: _broker(setup, post), "check the network and broker.url"),
        one("calendar", lambda: _calendar(_market_time(setup)), "reinstall: make clean, then make demo"),
        exposed("records", lambda: _records_or_database(setup), "check the disk the data folder is on"),
        one("lock", lambda: _lock_or_database(setup), "check the disk the data folder is on"),
        exposed(
            "redis", lambda: redis_row(_section(setup, "redis"), setup.mode), "check redis.url and that Redis runs"
        ),
        exposed("mail", lambda: _mail(setup), "check mail.host, mail.port and mail.security"),
        exposed(
            "phone", lambda: phone_row(None if setup.loaded is None else setup.loaded.settings), "check notify.urls"
        ),
        one("ping", lambda: _ping(_section(setup, "ping")), "check ping.url"),
        exposed("disk", lambda: _disk(setup.folders), "check the disk the data folder is on"),
        one("halt", lambda: _halt(setup.folders), "look whether HALT or HALT-ALL is in the data folder"),
        one("terminal", lambda: _terminal(setup.mode), "start it in a terminal, or in tmux"),
    )


def _section(setup: Setup, name: str) -> Any:
    """A section of the settings; None when the settings could not be read."""
    return getattr(setup.loaded.settings, name, None) if setup.loaded is not None else None


def _settings(setup: Setup) -> Row:
    if setup.trouble:
        return Row("settings", Finding.FAIL, " ".join(setup.trouble), "mend what the sentence names; see `senex check`")
    source = "defaults" if setup.loaded is None or setup.loaded.file is None else f"file {setup.loaded.file}"
    return Row("settings", Finding.OK, f"valid, {source}; mode {setup.mode.value if setup.mode else 'unknown'}")


def _broker(setup: Setup, post: Post) -> None:
    if setup.loaded is None:
        for name in ABOUT_THE_BROKER:
            post(Row(name, Finding.SKIP, "without valid settings it is not known which broker is meant"))
        return
    from senex_tui.doctor.broker import look_at_broker

    look_at_broker(setup.loaded.settings, setup.folders.credentials_file, setup.records_file, post)


def _market_time(setup: Setup) -> datetime:
    """The time that the trader of these settings goes by: the simulator's where they name one, by its own word or by
    that of the last trader that asked it; else the machine's."""
    from core.runtime.clock import SystemClock
    from core.runtime.clock_file import noted_clock

    if setup.loaded is None or not setup.loaded.settings.broker.url:
        return SystemClock().now()
    from senex_tui.doctor.broker import simulated_time

    return simulated_time(setup.loaded.settings) or noted_clock(setup.records_file.parent).now()


def _calendar(now: datetime) -> Row:
    """What the calendar says of the exchange's day at `now`, market time."""
    from core.market.calendar import SessionCalendar
    from core.runtime.clock import exchange_time

    calendar = SessionCalendar(now)
    today = exchange_time(now).date()
    session, following = calendar.today(now), calendar.next_after(today)
    hours = "no session" if session is None else f"session until {minute(session.close)} ET"
    last = calendar.between(today, today + timedelta(days=3650))[-1].day
    text = f"{weekday(today)}: {hours}; next session {following.day}; known until {last}"
    if last - today < CALENDAR_DAYS:
        return Row("calendar", Finding.WARN, text, "update senex: the exchange's calendar ends soon")
    return Row("calendar", Finding.OK, text)


def _records_or_database(setup: Setup) -> Row:
    database = setup.database
    return _records(setup.records_file, reads_all=setup.reads_all) if database is None else records_row(database)


def _lock_or_database(setup: Setup) -> Row:
    database = setup.database
    return _lock(setup.records_file.parent) if database is None else lock_row(database)


def _records(path: Path, *, reads_all: bool) -> Row:
    from core.records.store.private_file import why_not_one_file
    from core.records.store.schema import is_older, newest_revision, recorded_revision

    two_names, _, todo = why_not_one_file(path).partition("; ")
    if two_names:
        return Row("records", Finding.FAIL, f"{two_names}: the console does not start", todo)
    if not path.exists():
        return Row("records", Finding.SKIP, f"{path} is made at the first start")
    restore = "stop the console, keep a copy of the file, and restore a backup"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=SERVER_S)) as opened:
            verdict = opened.execute("PRAGMA quick_check(1)").fetchone()[0] if reads_all else "ok"
            revision = recorded_revision(opened.execute("SELECT version_num FROM alembic_version").fetchone()[0])
    except sqlite3.Error as error:
        return Row("records", Finding.FAIL, f"{path} cannot be read: {error}", restore)
    if verdict != "ok":
        return Row("records", Finding.FAIL, f"{path} is damaged: {verdict}", restore)
    if revision != newest_revision():
        older = is_older(revision)
        found = f"{path} has schema revision {revision}; this version needs {newest_revision()}"
        if older:
            return Row("records", Finding.WARN, found, "the next start brings it up to date and keeps a copy before")
        return Row("records", Finding.FAIL, found, "install the newer version of senex again")
    if path.stat().st_mode & 0o077:
        return Row("records", Finding.WARN, f"{path} may be read by others", f"run: chmod 600 '{path}'")
    if not reads_all:
        files = [path, path.with_name(f"{path.name}-wal")]  # what is not in the file itself yet
        size = sum(file.stat().st_size for file in files if file.exists())
        return Row("records", Finding.OK, f"{path}, {size / 1e6:,.1f} MB, revision {revision}")
    return Row("records", Finding.OK, f"{path}, whole, revision {revision}")


def _lock(folder: Path) -> Row:
    from core.locks.folder_lock import who_holds

    holder = who_holds(folder)
    if holder is None:
        return Row("lock", Finding.OK, "free: no console trades with these records")
    attach = f"; attach with: {holder.attach}" if holder.attach else ""
    return Row("lock", Finding.OK, f"a console trades (process {holder.pid}, {holder.mode}){attach}")


def _mail(setup: Setup) -> Row:
    """The row about mail. A missing password is a WARN: the console starts, and sends no mail."""
    from core.config.credentials import CredentialsError
    from core.config.mail_password import find_mail_password
    from senex_tui.reports.mail import off_because

    if setup.loaded is not None and setup.mode is not None:
        settings = setup.loaded.settings
        if settings.mail.is_on and not off_because(settings.mail, setup.mode):
            try:
                find_mail_password(settings.mail, os.environ, environment_only=settings.broker.url is not None)
            except CredentialsError as error:
                found, _, todo = str(error).partition("; ")
                return Row("mail", Finding.WARN, f"{found}: no mail is sent", todo.rstrip("."))
    return mail_row(_section(setup, "mail"))


def mail_row(section: Any) -> Row:
    """Connects to the mail server, with TLS where it is wanted. Does not log in and sends nothing."""
    host = getattr(section, "host", None)
    if not host:
        return Row("mail", Finding.SKIP, "not used")
    from aiosmtplib import SMTP, SMTPException

    security, port = section.security, section.port_used

    async def connect() -> None:
        client = SMTP(
            hostname=host,
            port=port,
            timeout=SERVER_S,
            use_tls=security == "tls",
            start_tls=security == "starttls",
        )
        async with asyncio.timeout(SERVER_S), client:
            await client.noop()

    try:
        asyncio.run(connect())
    except (SMTPException, OSError) as error:
        todo = "check mail.host, mail.port and mail.security; trading goes on without it"
        text = f"{host}:{port} ({security}): {failure_words(error)}"
        return Row("mail", Finding.WARN, text, todo)
    return Row("mail", Finding.OK, f"{host}:{port} answers ({security})")


def _ping(section: Any) -> Row:
    """The row about the ping. Nothing is sent: the monitor would take it for a sign that the console lives."""
    url = getattr(section, "url", None)
    if not url:
        return Row("ping", Finding.SKIP, "not used")
    return Row("ping", Finding.OK, f"every {section.interval_seconds} s to {urlsplit(url).hostname}, while it trades")


def _disk(folders: Folders) -> Row:
    """The row about free space and the right to write, in each folder or the one it will be made in."""
    least: tuple[int, Path] | None = None
    for folder in (folders.data, folders.state, folders.logs):
        there = next(place for place in (folder, *folder.parents) if place.exists())
        try:
            with tempfile.TemporaryFile(dir=there):
                free = shutil.disk_usage(there).free
        except OSError as error:
            todo = "give this user the right to write there, or use --data-dir"
            return Row("disk", Finding.FAIL, f"{there} cannot be written ({error.strerror})", todo)
        if least is None or free < least[0]:
            least = free, there
    free, there = least or (0, folders.data)
    text = f"{free / 1e9:,.1f} GB free at {there}"
    if free < FULL_BYTES:
        return Row("disk", Finding.FAIL, text, "make room: without it nothing can be recorded, and nothing is traded")
    if free < SCARCE_BYTES:
        return Row("disk", Finding.WARN, text, "make room soon")
    return Row("disk", Finding.OK, f"{text}, writable")


def _halt(folders: Folders) -> Row:
    """The row about the files that stop every mode of the data folder."""
    halting = halting_entries(folders.halt_file)
    if halting:
        return Row("halt", Finding.WARN, halted_by(halting), "remove it to go on")
    return Row("halt", Finding.OK, f"no file {folders.halt_file.name} or {HALT_ALL} in {folders.data}")


def _terminal(mode: Mode | None) -> Row:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return Row("terminal", Finding.SKIP, "this command was not started in one")
    refusal = refusal_for_terminal()
    if refusal is not None:
        return Row("terminal", Finding.WARN, refusal, "the console itself needs one; this command does not")
    columns, rows = os.get_terminal_size(sys.stderr.fileno())
    small = too_small(columns, rows) if columns and rows else None
    text = f"{os.environ.get('TERM', '')}, {columns}x{rows}"
    if small is not None:
        return Row("terminal", Finding.WARN, text, small)
    return kept_running_row(mode, text)


def kept_running_row(mode: Mode | None, terminal: str) -> Row:
    """Whether what runs in the terminal, told in these words, goes on when its operator leaves."""
    alone = not_kept_running(os.environ)
    if alone:
        finding = Finding.WARN if mode is not None and mode.value == "live" else Finding.OK
        return Row("terminal", finding, f"{terminal}, neither tmux nor a service", f"{alone}.")
    return Row("terminal", Finding.OK, f"{terminal}, kept running when you leave")
