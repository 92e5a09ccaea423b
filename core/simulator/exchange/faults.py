"""The faults that the simulated broker can show: their kinds, and what each takes.

A fault is armed (`armed_faults`) by the control endpoint, by a test, or by a plan in market time (`fault_plan`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any


class FaultKind(Enum):
    """What goes wrong.

    `seconds`, `code` and `match` are fields of Fault; the number after `code` is its default. `seconds` is the wall
    time for which the fault stays armed, except for DURATION_KINDS.
    """

    REST_DROP_REQUEST = "rest-drop-request"
    """The connection closes before the request is processed. Nothing happens at the broker."""
    REST_DROP_RESPONSE = "rest-drop-response"
    """The request is processed, then the connection closes without an answer."""
    REST_DELAY_BEFORE = "rest-delay-before"
    """The request is processed `seconds` late."""
    REST_DELAY_AFTER = "rest-delay-after"
    """The request is processed at once. Its answer comes `seconds` late."""
    REST_5XX_HTML = "rest-5xx-html"
    """The answer is an HTML error page with status `code` (502). The request is not processed."""
    REST_5XX_AFTER = "rest-5xx-after"
    """The request is processed. Its answer is an HTML error page with status `code` (502)."""
    REST_429 = "rest-429"
    """The answer is 429 without rate headers. The request is not processed."""
    REST_TOKEN_INVALID = "rest-token-invalid"  # noqa: S105 - the broker's error code, not a secret
    """The answer is 401 token_invalid, whatever the token. The request is not processed."""
    REST_GARBAGE = "rest-garbage"
    """The request is processed. The body of its answer is the first half of the JSON."""
    REST_HTML = "rest-html"
    """The request is processed. The body of its answer is HTML, with status 200."""
    REST_JSON_LIST = "rest-json-list"
    """The request is processed. The body of its answer is a JSON list instead of an object."""
    REST_MISSING_FIELD = "rest-missing-field"
    """The request is processed. Its answer lacks the key `match.field`, or else the first mandatory key found."""
    REST_UNKNOWN_ORDER_STATUS = "rest-unknown-order-status"
    """The request is processed. Orders in the answer have a status the SDK does not know ("Dead")."""
    REST_ODD_FIELD = "rest-odd-field"
    """The request is processed. In its answer the key `match.field` is `value`, in every object that has it. Without a
    field it is the first key found that the SDK insists on and no decision rests on."""
    REST_FOREIGN_ITEM = "rest-foreign-item"
    """The request is processed. A listing of orders, positions or accounts has one item more, of an unknown kind; one
    of transactions does where it has any, at the time of its last row."""
    REST_REFUSED_AFTER = "rest-refused-after"
    """The request is processed. Its answer is a refusal with status `code` (422) and an error body, whose code is
    `match.field` (`preflight_check_failure`)."""
    REST_DRIP = "rest-drip"
    """The request is processed. Its answer comes 20 bytes at a time, `seconds` (0.3) apart. With the `match.field`
    `headers` its headers do too."""
    CLOCK_OFFSET = "clock-offset"
    """The broker's clock is `seconds` ahead of the true time, or behind it when they are negative: the Date header,
    the session, orders, quotes and every other time that it tells."""
    DATE_MISSING = "date-missing"
    """An answer has no Date header."""
    OAUTH_REFUSED = "oauth-refused"
    """The login is refused with status `code` (400). `match.field` is the form of the answer: `standard`, the default
    (`{"error": "invalid_grant"}`), `tasty` (the broker's own) or `html` (a gateway's page)."""

    DXLINK_CLOSE = "dxlink-close"
    """The feed connection closes with websocket code `code` (1001)."""
    DXLINK_SILENCE = "dxlink-silence"
    """The feed sends nothing, not even keepalives, for `seconds` or for good. It still reads."""
    DXLINK_HALF_OPEN = "dxlink-half-open"
    """The feed neither reads nor writes for `seconds` or for good, while TCP stays up."""
    DXLINK_ERROR = "dxlink-error"
    """The feed sends an ERROR frame."""
    DXLINK_BAD_ARITY = "dxlink-bad-arity"
    """The feed sends a COMPACT frame with one value too few."""
    DXLINK_AUTH_REFUSED = "dxlink-auth-refused"
    """AUTH is answered with UNAUTHORIZED. Each answer is one occurrence."""
    DXLINK_AUTH_UNANSWERED = "dxlink-auth-unanswered"
    """AUTH is never answered."""
    DXLINK_FULL = "dxlink-full"
    """The feed switches an open connection to the FULL format."""
    DXLINK_UPGRADE_REFUSED = "dxlink-upgrade-refused"
    """The websocket upgrade is answered with status `code` (502)."""
    QUOTE_TOKEN_REFUSED = "quote-token-refused"  # noqa: S105 - a name, not a secret
    """GET /api-quote-tokens answers 401 token_invalid."""
    QUOTE_TOKEN_DELAYED = "quote-token-delayed"  # noqa: S105 - a name, not a secret
    """GET /api-quote-tokens gives a token of level `delayed`."""

    ALERTS_CLOSE = "alerts-close"
    """The alert connection closes with websocket code `code` (1001)."""
    ALERTS_CONNECT_REFUSED = "alerts-connect-refused"
    """`connect` is answered with an error that carries no request-id."""
    ALERTS_UNKNOWN_STATUS = "alerts-unknown-status"
    """An Order alert has a status the SDK does not know ("Dead")."""
    ALERTS_INVALID_OBJECT = "alerts-invalid-object"
    """An alert lacks a mandatory key."""
    ALERTS_ODD_FIELD = "alerts-odd-field"
    """In an alert the key `match.field` is `value`, in every object that has it. Without a field it is one that the SDK
    insists on."""
    ALERTS_BATCHED = "alerts-batched"
    """The alerts that one event causes come in one frame, as `{"results": [...]}`. Each frame is one occurrence."""
    ALERTS_DUPLICATED = "alerts-duplicated"
    """An alert comes twice."""
    ALERTS_REORDERED = "alerts-reordered"
    """An alert comes after its successor."""
    ALERTS_LOST = "alerts-lost"
    """An alert never comes."""

    ORDERS_LISTING_LAG = "orders-listing-lag"
    """An order accepted now is missing from listings for `seconds` (5) of wall time. Each order is one occurrence."""
    ORDERS_PARTIAL_PAGE = "orders-partial-page"
    """A listing of orders holds only the first half of its page."""
    ORDERS_OVERLAPPING_PAGES = "orders-overlapping-pages"
    """A history of orders has pages of `match.field` (2) rows. Each but the first begins with the last row of the page
    before, as if an order had arrived meanwhile. The counts are as announced."""
    ORDERS_TWIN = "orders-twin"
    """An order accepted now is there twice: another one has the same identifier and terms, and an id of its own."""
    ORDERS_CHANGED_PRICE = "orders-changed-price"
    """An order accepted now has the price `match.field`, signed like a credit, by default 0.10 less."""
    ORDERS_CHANGED_QUANTITY = "orders-changed-quantity"
    """An order accepted now has `match.field` (2) times its contracts."""
    ORDERS_LEG_MISSING = "orders-leg-missing"
    """An order accepted now lacks the leg with the number `match.field`, from 1 on, by default its last one."""
    ORDERS_REVIVED = "orders-revived"
    """An order accepted now is live again `seconds` (5) of wall time after it was cancelled."""
    ORDERS_CANCEL_IGNORED = "orders-cancel-ignored"
    """The first cancel of an order accepted now is answered as taken, and not carried out: the order stays as it is."""
    ORDERS_FORGOTTEN = "orders-forgotten"
    """The broker no longer knows an order accepted now after `seconds` (5) of wall time: no listing has it, its id is
    answered with 404, its fills have left no positions. Nothing tells of it."""
    ORDERS_FILL_AFTER_CANCEL = "orders-fill-after-cancel"
    """A live order whose cancel is asked for now fills whole before the cancel arrives."""
    ORDERS_GTC_DROPPED = "orders-gtc-dropped"
    """An order good till it is cancelled that is accepted now ends at the next open. `match.field` is how: `removed`,
    the default, `expired`, or `gone`: then the broker does not know it any more."""
    ORDERS_UNBALANCED_FILL = "orders-unbalanced-fill"
    """Of an order accepted now only one contract of the first leg fills, when its turn comes; then it is Cancelled."""
    ORDER_IDS_BEGIN_AGAIN = "order-ids-begin-again"
    """The ids of orders begin with 1 in each session. An older order with the same id is no longer known."""
    FILL_IDS_BEGIN_AGAIN = "fill-ids-begin-again"
    """The ids of fills begin with 1 in each session, for orders that are accepted now."""

    POSITIONS_INCOMPLETE = "positions-incomplete"
    """A listing of positions holds only their first half. Nothing in it says so."""
    POSITIONS_LAG = "positions-lag"
    """The positions show a fill `seconds` (5) of wall time late. Each fill is one occurrence."""
    TRANSACTIONS_LATE = "transactions-late"
    """What is posted now is among the transactions `seconds` (3600) of market time late. With the `match.field` `all`
    (`rows`) cash and positions wait for it too. Each fill and each posting of a night is one occurrence."""
    TRANSACTIONS_CORRECTED = "transactions-corrected"
    """At the next 06:00 the broker corrects what it posted: 0.02 $ more in fees, or with the `match.field` `reversal`
    (`fee`) the newest trade is reversed and posted again."""
    TRANSACTIONS_OVERLAPPING_PAGES = "transactions-overlapping-pages"
    """A listing of transactions has pages of `match.field` (2) rows. Each but the first begins with the last row of the
    page before. The counts are as announced."""

    CHAIN_STALE = "chain-stale"
    """An option chain is that of the session before. `match.symbol` is an underlying."""

    MARKET_CROSSED = "market-crossed"
    """Quotes have their bid above their ask."""
    MARKET_NAN = "market-nan"
    """Quotes have neither bid nor ask (NaN on the feed)."""
    MARKET_ZERO_BID = "market-zero-bid"
    """Quotes have a bid of zero."""
    MARKET_STALE_SNAPSHOT = "market-stale-snapshot"
    """Market data is that of two hours before the fault began, and does not change."""
    MARKET_FROZEN = "market-frozen"
    """Market data is that of the instant the fault began, and does not change."""
    MARKET_CANDLES_MISSING = "market-candles-missing"
    """The feed has no daily candles of the sessions `match.field` (`2026-11-02..2026-11-13`, both dates included), by
    default of the newest 10 completed ones. `match.symbol` is an underlying."""
    MARKET_HALTED = "market-halted"
    """The broker reports that trading in the symbol is halted."""
    SESSION_CLOSED = "session-closed"
    """The broker reports that the market session is closed."""
    SESSION_UNREADABLE = "session-unreadable"
    """The broker reports the market session without its state."""
    SESSION_PAST_CLOSE = "session-past-close"
    """The broker reports the session that closed last as open, with the times it had."""
    SESSION_OPEN_WITHOUT_CLOSE = "session-open-without-close"
    """The broker reports that the market is open, and not until when."""


CONDITION_KINDS = frozenset(
    {
        FaultKind.CLOCK_OFFSET,
        FaultKind.ORDERS_OVERLAPPING_PAGES,
        FaultKind.TRANSACTIONS_OVERLAPPING_PAGES,
        FaultKind.ORDER_IDS_BEGIN_AGAIN,
        FaultKind.FILL_IDS_BEGIN_AGAIN,
        *(kind for kind in FaultKind if kind.name.startswith("MARKET_")),
    }
)
"""Kinds that are a lasting condition, not a single event: `count` does not apply to them."""
ODD_VALUE = 123
"""What an odd field is unless the fault says otherwise: a number where the SDK wants text, as a real `user-id` is."""

FOREIGN_ID = 987_654_321
"""The id of the order, or the transaction, of an unknown kind (rest-foreign-item)."""

WORDS = {
    FaultKind.OAUTH_REFUSED: ("standard", "tasty", "html"),
    FaultKind.REST_DRIP: ("headers",),
    FaultKind.ORDERS_GTC_DROPPED: ("removed", "expired", "gone"),
    FaultKind.TRANSACTIONS_LATE: ("rows", "all"),
    FaultKind.TRANSACTIONS_CORRECTED: ("fee", "reversal"),
}
"""The kinds whose `match.field` is one of these words, or left out."""

WHOLE_NUMBERS = {
    FaultKind.ORDERS_OVERLAPPING_PAGES: (2, 250, 2),
    FaultKind.TRANSACTIONS_OVERLAPPING_PAGES: (2, 2000, 2),
    FaultKind.ORDERS_CHANGED_QUANTITY: (2, 100, 2),
    FaultKind.ORDERS_LEG_MISSING: (1, 4, 4),
}
"""The kinds whose `match.field` is a whole number: the lowest, the highest and the one when it is left out."""

DURATION_KINDS = frozenset(
    {
        FaultKind.REST_DELAY_BEFORE,
        FaultKind.REST_DELAY_AFTER,
        FaultKind.REST_DRIP,
        FaultKind.CLOCK_OFFSET,
        FaultKind.ORDERS_LISTING_LAG,
        FaultKind.ORDERS_REVIVED,
        FaultKind.ORDERS_FORGOTTEN,
        FaultKind.POSITIONS_LAG,
        FaultKind.TRANSACTIONS_LATE,
        FaultKind.DXLINK_SILENCE,
        FaultKind.DXLINK_HALF_OPEN,
    }
)
"""Kinds whose `seconds` belong to the fault itself. They do not say how long it stays armed."""


@dataclass(frozen=True, slots=True)
class FaultMatch:
    """Where a fault applies. A field that is None matches everything."""

    method: str | None = None
    """HTTP method, in upper case."""
    path: str | None = None
    """Prefix of the request path."""
    path_end: str | None = None
    """Suffix of the request path: `/orders` matches placing an order, but not its dry run."""
    symbol: str | None = None
    """Streamer symbol, or a prefix of it followed by `*`. A lone `*` matches every symbol."""
    account: str | None = None
    """Account number."""
    field: str | None = None
    """The key to leave out or to change, or what else the kind says."""
    having: str | None = None
    """Only an object that holds this text under one of its own keys (rest-missing-field, the odd fields)."""

    def allows(self, *, method: str | None, path: str | None, symbol: str | None, account: str | None) -> bool:
        """Whether the fault applies to a place with these properties; None where it has no such property."""
        if self.method is not None and self.method != method:
            return False
        if self.path is not None and (path is None or not path.startswith(self.path)):
            return False
        if self.path_end is not None and (path is None or not path.endswith(self.path_end)):
            return False
        if self.account is not None and self.account != account:
            return False
        return self.symbol is None or (symbol is not None and _symbol_matches(self.symbol, symbol))


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: what goes wrong, how often, for how long and where."""

    kind: FaultKind
    count: int | None = 1
    """How many times it occurs; None for every time. CONDITION_KINDS ignore it."""
    seconds: float | None = None
    """Wall seconds; FaultKind says what they measure."""
    code: int | None = None
    """HTTP status or websocket close code, for kinds that have one."""
    match: FaultMatch = field(default_factory=FaultMatch)
    value: Any = ODD_VALUE
    """The JSON value that an odd field has."""

    def __post_init__(self) -> None:
        """Raises ValueError for a count, seconds or code out of range, and for a `match.field` its kind cannot have."""
        if self.count is not None and self.count < 1:
            raise ValueError(f"count {self.count} is below 1; leave it out for one occurrence, null for every one")
        if self.kind is FaultKind.CLOCK_OFFSET:
            if self.seconds is None or not 0 < abs(self.seconds) <= 86_400:
                raise ValueError(f"seconds {self.seconds} is no offset; give -86400..86400, other than 0")
        elif self.seconds is not None and not 0 < self.seconds <= 86_400:
            raise ValueError(f"seconds {self.seconds:g} is outside 0..86400; give wall seconds above 0")
        if self.code is not None and not 400 <= self.code <= 4999:
            raise ValueError(f"code {self.code} is neither an HTTP error (400..599) nor a close code (1000..4999)")
        words = WORDS.get(self.kind)
        if words is not None and self.match.field not in (None, *words):
            raise ValueError(f"match.field {self.match.field!r} is not known; use {', '.join(words)}, or leave it out")
        if self.kind is FaultKind.MARKET_CANDLES_MISSING:
            self.days()
        elif self.kind is FaultKind.ORDERS_CHANGED_PRICE:
            self.price()
        elif self.kind in WHOLE_NUMBERS:
            self.whole_number()

    def price(self) -> Decimal | None:
        """The price per share in `match.field`, negative for a debit; None when it is left out. Raises ValueError."""
        if self.match.field is None:
            return None
        try:
            price = Decimal(self.match.field)
        except InvalidOperation:
            price = Decimal("NaN")
        if not price.is_finite():
            raise ValueError(f"match.field {self.match.field!r} is no price; write 3.50, or -3.50 for a debit")
        return price

    def whole_number(self) -> int:
        """The whole number in `match.field`, or the one that its kind has by default. Raises ValueError."""
        lowest, highest, default = WHOLE_NUMBERS[self.kind]
        text = self.match.field
        if text is None:
            return default
        if not (text.isascii() and text.isdigit() and lowest <= int(text) <= highest):
            raise ValueError(f"match.field {text!r} is no whole number of {lowest} to {highest}")
        return int(text)

    def days(self) -> tuple[date, date] | None:
        """The first and last date of `match.field`, or None when it is left out. Raises ValueError."""
        if self.match.field is None:
            return None
        first, _, last = self.match.field.partition("..")
        try:
            return date.fromisoformat(first), date.fromisoformat(last)
        except ValueError as error:
            raise ValueError(f"match.field {self.match.field!r} is no range; write 2026-11-02..2026-11-13") from error


def _symbol_matches(pattern: str, symbol: str) -> bool:
    if pattern.endswith("*"):
        return symbol.startswith(pattern[:-1])
    return pattern == symbol
