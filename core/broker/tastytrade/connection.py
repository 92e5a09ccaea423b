"""The connection of one login: the SDK's session with our hooks. Its calls return an answer or raise BrokerError."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from typing import TypeVar

import httpx2
from tastytrade import Account, Session
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
)

from core.broker.port import BrokerError, BrokerFault
from core.broker.tastytrade.address import local_address, routed
from core.broker.tastytrade.backoff import backoff_s
from core.broker.tastytrade.broker_time import BrokerDates
from core.broker.tastytrade.evidence import (
    BodyTaken,
    Evidence,
    current_evidence,
    observed,
)
from core.broker.tastytrade.faults import (
    READ_ERRORS,
    Unauthorized,
    data_of,
    fault_of,
    login_refusal,
)
from core.broker.tastytrade.login import Login
from core.broker.tastytrade.login_pace import LoginPace
from core.broker.tastytrade.silence import WatchedStream
from core.broker.tastytrade.timings import Timings
from core.domain.operation.events import masked_in
from core.runtime.clock import Clock
from core.runtime.ids import Ids
from core.runtime.redaction import masked_accounts, redact

T = TypeVar("T")

TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path
_ASKED = "senex_asked"
QUOTE_TOKEN_PATH = "/api-quote-tokens"  # noqa: S105 - a path
READ_TRIES = 3
MOST_REMARKS = 50
"""More sentences about what was left out are not kept: an answer of nothing but odd items is told by these."""
LOUD_LOGGERS = ("tastytrade", "httpx2", "httpcore2")


def quieten_loggers() -> None:
    """Raises the log level of the SDK and the transports to WARNING.

    At DEBUG the SDK logs access and quote tokens, and the transports log headers and addresses (broker 1).
    """
    for name in LOUD_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)


class Connection:
    """The session of one login. `base_url` sends everything to a server on this machine instead of the broker."""

    def __init__(
        self,
        login: Login,
        clock: Clock,
        ids: Ids,
        *,
        base_url: str | None,
        is_test: bool,
        timings: Timings,
    ) -> None:
        """Raises ValueError for a `base_url` that is not plain http on the loopback interface."""
        quieten_loggers()
        redact.add(login.secret, login.refresh)
        self.login = login
        self.clock = clock
        self.ids = ids
        self.timings = timings
        self.local = local_address(base_url) if base_url is not None else None
        self.dates = BrokerDates(clock)
        self.account_numbers: set[str] = set()
        self.is_test = is_test
        self._remarks: dict[str, None] = {}
        self._session: Session | None = None
        self._stack = AsyncExitStack()
        self._refused: tuple[str, str] | None = None  # the words and code of the broker's refusal
        self._logins = LoginPace(clock)
        self._renewing = asyncio.Lock()
        self._renewals = LoginPace(clock)  # renewed tokens count as in vain until an answer proves one

    @property
    def session(self) -> Session:
        """The SDK's session. Raises BrokerError before `open`, and after the broker refused the login."""
        if self._refused is not None:
            raise BrokerError(BrokerFault.LOGIN_REFUSED, *self._refused)
        if self._session is None:
            raise BrokerError(BrokerFault.UNREACHABLE, "the login is not connected")
        return self._session

    def account(self, number: str) -> Account:
        """The SDK's account object with only its number set. The broker is not asked."""
        self.know_accounts(number)
        return Account.model_construct(account_number=number)

    def know_accounts(self, *numbers: str) -> None:
        """Masks these account numbers from now on: only their last four characters leave this process."""
        self.account_numbers.update(numbers)
        redact.add_accounts(*numbers)

    async def open(self) -> None:
        """Logs in. Only this call tries credentials again that the broker has refused. Raises BrokerError."""
        self._refused = None
        if self._session is None:
            self._session = await self._stack.enter_async_context(self.build_session())
        session = self._session
        login = self.timings.login
        await self.read(lambda: session.refresh(force=True), "login", within_s=login)

    async def close(self) -> None:
        self._session = None
        await self._stack.aclose()

    async def read(self, work: Callable[[], Awaitable[T]], what: str, *, within_s: float | None = None) -> T:
        """Calls up to three times until an answer comes, each time as `call`. Never use it for an order.

        A 401 renews the token once. Only 429, 5xx, network failures and slow answers are tried again.
        """
        tries = AsyncRetrying(
            stop=stop_after_attempt(READ_TRIES),
            wait=self._wait,
            retry=retry_if_exception(_is_transient),
            sleep=self.clock.sleep,
            reraise=True,
        )
        return await tries(self.call, work, what, within_s=within_s)

    async def read_body(self, work: Callable[[], Awaitable[object]], what: str) -> bytes:
        """Like `read`, but returns the body of the answer and keeps the SDK from parsing it."""
        return await self.read(lambda: self._body(work, what), what)

    async def call_body(self, work: Callable[[], Awaitable[object]], what: str) -> bytes:
        """Like `call`, but returns the body of the answer and keeps the SDK from parsing it."""
        return await self.call(lambda: self._body(work, what), what)

    async def call(self, work: Callable[[], Awaitable[T]], what: str, *, within_s: float | None = None) -> T:
        """Calls once. A 401 renews the token and calls once more. Raises BrokerError.

        The whole answer has to come `within_s` wall seconds, by default those of a read.
        """
        token, within_s = self.session.session_token, within_s or self.timings.read
        try:
            answer = await self._once(work, what, within_s)
        except Unauthorized:
            if not await self.renew(token):
                raise
            answer = await self._once(work, what, within_s)
        self._renewals.worked()
        return answer

    async def renew(self, refused_token: str) -> bool:
        """Fetches a new access token, unless another call has done so since `refused_token`. Raises BrokerError.

        False when none is fetched, because renewed tokens were refused too, a moment ago.
        """
        async with self._renewing:  # calls side by side, all refused with the same token, fetch one new one
            if self.session.session_token == refused_token:
                if self._renewals.wait_s() > 0:
                    return False
                self._renewals.in_vain()
                await self._once(lambda: self.session.refresh(force=True), "login", self.timings.login)
        return True

    async def ensure_token(self) -> None:
        """Makes sure that the token outlives the next request. Raises BrokerError; then no order has left."""
        await self._once(self.session.refresh, "login", self.timings.login)

    def remark(self, *left_out: str) -> None:
        """Keeps these sentences, each once, until `remarks` takes them: what was left out of an answer."""
        for sentence in left_out[: MOST_REMARKS - len(self._remarks)]:
            self._remarks[self.masked(sentence)] = None

    def remarks(self) -> tuple[str, ...]:
        """The sentences since the last call, oldest first."""
        taken, self._remarks = tuple(self._remarks), {}
        return taken

    def masked(self, text: str) -> str:
        """The text without the login's secrets and tokens, and with account numbers as their last four characters.

        A number that no read has named, such as a closed account's, is known by its form.
        """
        session = self._session
        for secret in (
            self.login.secret,
            self.login.refresh,
            session.session_token if session else "",
        ):
            text = text.replace(secret, "***") if secret else text
        return masked_accounts(masked_in(text, self.account_numbers))

    async def _once(self, work: Callable[[], Awaitable[T]], what: str, within_s: float) -> T:
        with observed(Evidence()) as evidence:
            try:
                # Over the whole answer: the transport's own limits begin anew with each byte that comes.
                async with asyncio.timeout(within_s):
                    return await work()
            except TimeoutError:
                fault = BrokerError(BrokerFault.UNREACHABLE, f"{what}: no whole answer within {within_s:g} s")
            except READ_ERRORS as error:
                fault = fault_of(error, evidence, what)
            except BrokerError as refusal:
                fault = refusal
        fault.detail = self.masked(fault.detail)
        fault.args = (f"{fault.fault.value}: {fault.detail}",)
        # `from None`: the SDK's exception may quote an answer with a token in it.
        raise fault from None

    async def _body(self, work: Callable[[], Awaitable[object]], what: str) -> bytes:
        evidence = Evidence(take_body=True)
        with observed(evidence):
            try:
                await work()
            except BodyTaken:
                return evidence.body or b""
            except READ_ERRORS as error:
                raise fault_of(error, evidence, what) from None
        raise BrokerError(BrokerFault.UNREADABLE, f"{what}: no answer was seen")

    def _wait(self, state: RetryCallState) -> float:
        return backoff_s(state.attempt_number, self.ids.fraction())

    def build_session(self) -> Session:
        """Builds a session of the SDK that is not logged in yet."""
        # One context for all clients: building one blocks the loop for 30 ms, at each reconnect (broker 1).
        # A local server speaks no TLS, so the system's certificate authorities need not be loaded.
        context = ssl.create_default_context() if self.local is None else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        connect = self.timings.connect
        return Session(
            self.login.secret,
            self.login.refresh,
            is_test=self.is_test,
            event_hooks={
                "request": [self._on_request],
                "response": [self._on_response],
            },
            verify=context,
            trust_env=self.local is None,
            # Without limits for reading and writing: each call has one for its whole answer, and each stream its own.
            timeout=httpx2.Timeout(None, connect=connect, pool=connect),
        )

    async def _on_request(self, request: httpx2.Request) -> None:
        path = request.url.path
        if path == TOKEN_PATH:
            self._may_log_in()
        request.url = routed(request.url, self.local)
        request.extensions = {**request.extensions, _ASKED: self.clock.monotonic()}
        evidence = current_evidence()
        if evidence is not None and evidence.order_path == path and request.method == "POST":
            evidence.ask_guard()
            request.extensions = {**request.extensions, "trace": evidence.trace}

    async def _on_response(self, response: httpx2.Response) -> None:
        if response.status_code == 101:
            stream = response.extensions["network_stream"]
            response.extensions["network_stream"] = WatchedStream(stream, self.timings.socket_silence)
            return
        self._note_date(response)
        path = response.request.url.path
        evidence = current_evidence()
        if evidence is not None and evidence.order_path in (None, path):
            evidence.status = response.status_code
            evidence.body = await response.aread()
        if path in (TOKEN_PATH, QUOTE_TOKEN_PATH) and response.is_success:
            _learn_tokens(await response.aread())
        if path == TOKEN_PATH:
            await self._judge_login(response)
        elif path == QUOTE_TOKEN_PATH and response.is_success:
            _refuse_delayed(await response.aread())
        elif evidence is not None and evidence.take_body and response.is_success:
            raise BodyTaken

    def _may_log_in(self) -> None:
        """Raises BrokerError while no login may leave.

        After repeated bad logins the broker blocks this address for hours (broker 8).
        """
        if self._refused is not None:
            raise BrokerError(BrokerFault.LOGIN_REFUSED, *self._refused)
        wait = self._logins.wait_s()
        if wait > 0:
            text = f"the login is not tried again for {math.ceil(wait)} s: {self._logins.words}"
            raise BrokerError(BrokerFault.UNREACHABLE, text)

    async def _judge_login(self, response: httpx2.Response) -> None:
        """Raises BrokerError(LOGIN_REFUSED) when the answer is the broker's refusal of the login."""
        body = await response.aread()
        if response.is_success and _holds_token(body):
            self._logins.worked()
            return
        refusal = login_refusal(body) if response.status_code in (400, 401, 403) else None
        if refusal is None:
            # The answer of a gateway or of a broker in trouble, which says nothing about the login.
            self._logins.in_vain(f"HTTP {response.status_code}")
            return
        words, code = refusal
        self._refused = self.masked(words), code
        raise BrokerError(BrokerFault.LOGIN_REFUSED, *self._refused)

    def _note_date(self, response: httpx2.Response) -> None:
        """Notes the broker's time from an answer of its own. A gateway's page has the gateway's time."""
        kind = response.headers.get("Content-Type", "")
        if response.is_success and kind.startswith("application/json"):
            asked = response.request.extensions.get(_ASKED)
            self.dates.note(response.headers.get("Date"), asked if isinstance(asked, float) else self.clock.monotonic())


def _is_transient(error: BaseException) -> bool:
    """Whether a read that failed like this may succeed when it is tried again."""
    return isinstance(error, BrokerError) and error.fault in (
        BrokerFault.UNREACHABLE,
        BrokerFault.RATE_LIMITED,
    )


def _learn_tokens(body: bytes) -> None:
    """Registers every token in an answer as a secret, before the SDK or a log line can see it."""
    with suppress(ValueError):
        answer = json.loads(body)
        for words in (answer, answer.get("data")) if isinstance(answer, dict) else ():
            for name, value in words.items() if isinstance(words, dict) else ():
                if name.endswith("token") and isinstance(value, str):
                    redact.learn(value)


def _holds_token(body: bytes) -> bool:
    with suppress(ValueError):
        answer = json.loads(body)
        return isinstance(answer, dict) and isinstance(answer.get("access_token"), str)
    return False


def _refuse_delayed(body: bytes) -> None:
    """Raises BrokerError(REFUSED) when the login gets only delayed quotes: they are never traded on (rules 4.3)."""
    data = data_of(body, "quote token")
    level, address = (
        str(data.get("level", "")).lower(),
        str(data.get("dxlink-url", "")).lower(),
    )
    if any(word in text for text in (level, address) for word in ("delayed", "demo")):
        raise BrokerError(
            BrokerFault.REFUSED,
            f"the broker grants only delayed quotes (level {level or 'unknown'}), on which nothing is traded",
        )
