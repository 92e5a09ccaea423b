"""The doctor's checks of the broker: login, account list, clock and quote feed, all with one login."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.broker.port import BrokerError, BrokerFault, StreamStatus
from core.broker.tastytrade import Login, TastytradeBroker
from core.broker.tastytrade.address import local_address
from core.broker.tastytrade.simulator_clock import read_simulator_clock
from core.config.credentials import Credentials, CredentialsError, find_logins
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.times import stamp
from core.guards.clock_check import MAX_CLOCK_OFFSET, ClockCheck
from core.records.records import Records
from core.records.store.errors import RecordsError
from core.runtime.clock import Clock, ShiftedClock, SystemClock
from core.runtime.ids import RandomIds
from core.runtime.redaction import redact
from senex_tui.doctor.doctor import ABOUT_THE_BROKER, Finding, Post, Row
from senex_tui.support.refusals import sentences_for

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from core.config.settings import Settings
    from core.domain.market.quotes import DaySummary, Quote, Trade, TradingHalt

LOGIN_S = 5.0
FEED_S = 5.0
NO_ANSWER_FIX = "check the network and broker.url; the log has the details"


def look_at_broker(settings: Settings, credentials_file: Path, records_file: Path, post: Post) -> None:
    """Posts the rows of ABOUT_THE_BROKER. Logs in once, and not at all when the console has given the login up."""
    try:
        found = find_logins(os.environ, credentials_file, environment_only=settings.broker.url is not None)
    except CredentialsError as error:
        post(Row("credentials", Finding.FAIL, str(error), "mend what the sentence names"))
        return _skip(post, "without credentials nothing is asked of the broker")
    if not found:
        where = "TT_SECRET and TT_REFRESH in the environment" + (
            "" if settings.broker.url else f", the keyring (service senex) or {credentials_file} (mode 0600)"
        )
        post(Row("credentials", Finding.FAIL, "none found", f"store them: {where}; `senex demo` needs none"))
        return _skip(post, "without credentials nothing is asked of the broker")
    for login in found:
        redact.add(login.secret, login.refresh)
    origins = ", ".join(f"{login.name} from {login.origin}" for login in found)
    asked = "" if len(found) == 1 else f"; asked below: {found[0].name}"
    post(Row("credentials", Finding.OK, f"client secret and refresh token: {origins}{asked}"))
    asyncio.run(_ask(settings, found[0], records_file, post))


def simulated_time(settings: Settings) -> datetime | None:
    """The market time (UTC) of the simulator that the settings name; None at the real broker and where none answers."""

    if settings.broker.url is None:
        return None
    try:
        told = asyncio.run(read_simulator_clock(local_address(settings.broker.url), LOGIN_S))
    except BrokerError:
        return None
    return None if told is None else told[0]


def _skip(post: Post, why: str) -> None:
    for name in ABOUT_THE_BROKER[1:]:
        post(Row(name, Finding.SKIP, why))


async def _ask(settings: Settings, found: Credentials, records_file: Path, post: Post) -> None:
    if await _was_given_up(records_file, found.name):
        post(Row("broker", Finding.FAIL, "the login was refused twice and is not tried again", BreakerKind.LOGIN.reset))
        return _skip(post, "the login was refused")
    login = Login(found.name, found.secret, found.refresh)
    url = settings.broker.url

    def asking_at(clock: Clock) -> TastytradeBroker:
        return TastytradeBroker(login, clock, RandomIds(), base_url=url, is_test=settings.broker.sandbox)

    broker = asking_at(SystemClock())
    try:
        try:
            async with asyncio.timeout(LOGIN_S):
                market_time = await broker.server_clock()
                if market_time is not None:
                    broker = asking_at(ShiftedClock(*market_time))
                await broker.connect()
                accounts = await broker.accounts()
                market = await broker.market_state()
        except TimeoutError:
            post(Row("broker", Finding.FAIL, f"no answer within {LOGIN_S:g} s", NO_ANSWER_FIX))
            return _skip(post, "the broker does not answer")
        except BrokerError as error:
            sentence, _, todo = " ".join(sentences_for(error) or ()).rpartition("; ")
            post(Row("broker", Finding.FAIL, sentence, todo))
            refused = error.fault is BrokerFault.LOGIN_REFUSED
            return _skip(post, "the login was refused" if refused else "the broker does not answer")
        held = f"{len(accounts)} account{'' if len(accounts) == 1 else 's'}"
        text = f"{url or 'tastytrade'} took the login; {held}; market {market.word.lower()}"
        left_out = "; ".join(broker.remarks())
        if not accounts:
            post(Row("broker", Finding.FAIL, text, "the login holds no account; check it at the broker"))
        elif left_out:
            post(Row("broker", Finding.WARN, f"{text}; {left_out}", "look at it at the broker; the rest is used"))
        else:
            post(Row("broker", Finding.OK, text))
        post(_clock(broker, SystemClock(), simulated=market_time is not None))
        post(await _feed(broker, settings.trading.underlyings))
    finally:
        await broker.close()


async def _was_given_up(records_file: Path, login: str) -> bool:
    """Whether the console has given this login up. The broker blocks an address for hours after repeated bad logins, so
    it is not tried from here either."""
    if not await asyncio.to_thread(records_file.exists):
        return False
    try:
        records = await Records.open(f"sqlite+aiosqlite:///{records_file}", trader=False)
    except RecordsError:
        return False  # the row `records` says it
    try:
        return any(b.kind is BreakerKind.LOGIN and b.subject == login for b in await records.breakers.open_now())
    finally:
        await records.close()


def _clock(broker: TastytradeBroker, clock: Clock, *, simulated: bool) -> Row:
    if simulated:
        return Row("clock", Finding.SKIP, "the simulator's market time is its own")
    check = ClockCheck(broker, clock, real_time=True)
    told = check.told()
    if not told:
        return Row("clock", Finding.WARN, "the broker's answers carry no time", "look at `timedatectl`")
    text = f"{told}; {stamp(clock.now())} here"
    if check.refusal() is not None:
        most = f"{MAX_CLOCK_OFFSET.total_seconds():g} s"
        return Row("clock", Finding.FAIL, text, f"entries stop above {most}; run: timedatectl set-ntp true")
    return Row("clock", Finding.OK, text)


class _FirstEvent:
    """A sink of market data that notes when the first event came."""

    def __init__(self) -> None:
        self.came = asyncio.Event()
        self.status = ""

    def on_quotes(self, quotes: Sequence[Quote]) -> None:
        self.came.set()

    def on_trades(self, trades: Sequence[Trade]) -> None:
        self.came.set()

    def on_summaries(self, summaries: Sequence[DaySummary]) -> None:
        self.came.set()

    def on_halts(self, halts: Sequence[TradingHalt]) -> None:
        self.came.set()

    def on_market_data_status(self, status: StreamStatus) -> None:
        self.status = status.detail or self.status


async def _feed(broker: TastytradeBroker, symbols: Sequence[str]) -> Row:
    clock = SystemClock()
    first, began = _FirstEvent(), clock.monotonic()
    await broker.market_data.subscribe(set(symbols), set())
    running = asyncio.create_task(broker.market_data.run(first))
    try:
        async with asyncio.timeout(FEED_S):
            await first.came.wait()
    except TimeoutError:
        why = f": {first.status}" if first.status else ""
        todo = "check that port 443 is open to the quote server; start again if the broker has an outage"
        return Row("feed", Finding.FAIL, f"nothing for {', '.join(symbols)} within {FEED_S:g} s{why}", todo)
    finally:
        running.cancel()
        await asyncio.wait({running})
    return Row("feed", Finding.OK, f"first event {clock.monotonic() - began:.1f} s after asking, with a valid token")
