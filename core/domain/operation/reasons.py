"""Why something did not happen: reasons with stable codes, and refusals that carry a reason and its figures."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from core.domain.operation.broker_words import without_codes
from core.domain.operation.figures import Figures, FigureValue, filled


class Kind(Enum):
    """Whether another try inside the same cycle can help (rules 4.2)."""

    TERMINAL = "terminal"
    TRANSIENT = "transient"


class Reason(Enum):
    """Every reason for which a cycle, an attempt, a command or a send can be refused (rules 4.4).

    The value is (stable code, kind, sentence). The figures of the refusal fill the sentence's placeholders.
    """

    code: str
    kind: Kind
    sentence: str

    def __init__(self, code: str, kind: Kind, sentence: str) -> None:
        self.code = code
        self.kind = kind
        self.sentence = sentence

    @property
    def transient(self) -> bool:
        return self.kind is Kind.TRANSIENT

    @classmethod
    def of(cls, code: str) -> Reason:
        """The reason with this stable code. Raises KeyError for an unknown code."""
        return _BY_CODE[code]

    # The schedule and the trading state (rules 3, 9)
    PAUSED = ("paused", Kind.TERMINAL, "automation is paused")
    HALTED = ("halted", Kind.TERMINAL, "entries are halted")
    RECONCILING = ("reconciling", Kind.TERMINAL, "the console is still reconciling with the broker")
    CYCLE_RUNNING = ("cycle_running", Kind.TERMINAL, "another cycle is running")
    PROCESS_DOWN = ("process_down", Kind.TERMINAL, "the console was not running at the slot")
    NOT_RECORDED = ("not_recorded", Kind.TERMINAL, "the records could not be written when it passed: {detail}")
    SUSPENDED = ("suspended", Kind.TERMINAL, "the machine was late by {late_s} s; a slot runs within {limit_s} s")
    INTERRUPTED = ("interrupted", Kind.TERMINAL, "the process that ran this slot ended before the cycle did")
    CLOCK_UNPROVED = (
        "clock_unproved",
        Kind.TERMINAL,
        "the broker has not told its time in the last 90 s, so this machine's clock is not proved",
    )
    CLOCK_OFF = ("clock_off", Kind.TERMINAL, "this machine's clock is {off} off the broker's")
    CLOCK_IN_DOUBT = ("clock_in_doubt", Kind.TERMINAL, "{what}; entries wait until the clock is confirmed")
    CLOCK_SET = ("clock_set", Kind.TERMINAL, "the machine's clock was set past the slot, or in doubt when it came")
    MARKET_CLOSED = ("market_closed", Kind.TERMINAL, "the market is closed")
    SESSION_UNREADABLE = (
        "session_unreadable",
        Kind.TERMINAL,
        "the broker's market session could not be read",
    )
    BEFORE_FIRST_SLOT = ("before_first_slot", Kind.TERMINAL, "entries start at {first} ET")
    AFTER_LAST_ENTRY = ("after_last_entry", Kind.TERMINAL, "entries end at {last} ET")
    # Accounts (rules 4)
    NO_ACCOUNTS = ("no_accounts", Kind.TERMINAL, "automation is on for no account; `senex accounts` lists them")
    ACCOUNT_DISABLED = ("account_disabled", Kind.TERMINAL, "automation is off for this account")
    NOT_ASKED = ("not_asked", Kind.TERMINAL, "the cycle was forced for other accounts")
    SKIP_TODAY = ("skip_today", Kind.TERMINAL, "the operator skips this account today")
    ACCOUNT_RESTRICTED = (
        "account_restricted",
        Kind.TERMINAL,
        "the broker restricts this account: {restriction}",
    )
    ACCOUNT_UNREADABLE = (
        "account_unreadable",
        Kind.TRANSIENT,
        "{what} of the account could not be read: {detail}",
    )
    TOKEN_INVALID = ("token_invalid", Kind.TERMINAL, "the login was refused by the broker")
    ENTRY_TODAY = ("entry_today", Kind.TERMINAL, "an entry already holds the day: {state}")
    VALIDATED_TODAY = (
        "validated_today",
        Kind.TERMINAL,
        "today's suggestion is already validated; a dry run sends no order",
    )
    # The underlying (rules 2, 5)
    FEED_DOWN = ("feed_down", Kind.TRANSIENT, "the quote feed is not live: {detail}")
    PRICE_MISSING = ("price_missing", Kind.TRANSIENT, "{symbol} has no usable price")
    PRICE_STALE = (
        "price_stale",
        Kind.TRANSIENT,
        "{symbol} price is {age_s} s old; at most {limit_s} s",
    )
    METRICS_MISSING = ("metrics_missing", Kind.TRANSIENT, "{symbol} metrics could not be read")
    METRICS_STALE = (
        "metrics_stale",
        Kind.TRANSIENT,
        "{symbol} metrics are {age_s} s old; at most {limit_s} s",
    )
    METRICS_UNTIMED = ("metrics_untimed", Kind.TRANSIENT, "{symbol} metrics carry no time")
    IV_MISSING = ("iv_missing", Kind.TERMINAL, "{symbol} has no {what}")
    IV_IMPLAUSIBLE = (
        "iv_implausible",
        Kind.TERMINAL,
        "{symbol} implied volatility {iv} is outside {low}..{high}",
    )
    CANDLES_MISSING = (
        "candles_missing",
        Kind.TERMINAL,
        "{symbol} has {count} without a gap up to {newest}; at least {needed} needed (none for {missing})",
    )
    CANDLES_UNREADABLE = (
        "candles_unreadable",
        Kind.TRANSIENT,
        "{symbol} daily candles could not be read: {detail}",
    )
    EARNINGS_NEAR = ("earnings_near", Kind.TERMINAL, "{symbol} reports earnings in {days}")
    EX_DIVIDEND_NEAR = (
        "ex_dividend_near",
        Kind.TERMINAL,
        "{symbol} goes ex-dividend in {days}",
    )
    TRADING_HALTED = ("trading_halted", Kind.TERMINAL, "{symbol} is halted at the exchange")
    LOW_SCORE = ("low_score", Kind.TERMINAL, "{symbol} scores {score}; {needed} needed")
    CHAIN_UNREADABLE = (
        "chain_unreadable",
        Kind.TRANSIENT,
        "{symbol} option chain could not be read: {detail}",
    )
    NO_EXPIRATION = (
        "no_expiration",
        Kind.TERMINAL,
        "{symbol} lists no expiration {low} to {high} days out",
    )
    STRIKE_NOT_LISTED = (
        "strike_not_listed",
        Kind.TERMINAL,
        "{symbol} {expiration} does not list {strike}",
    )
    # Pricing (rules 4.3, 6)
    QUOTES_NOT_ARRIVING = (
        "quotes_not_arriving",
        Kind.TRANSIENT,
        "no quote within {limit_s} s for {missing}",
    )
    LEG_MISSING = ("leg_missing", Kind.TRANSIENT, "{symbol} has no quote")
    LEG_UNUSABLE = (
        "leg_unusable",
        Kind.TRANSIENT,
        "{symbol} has an unusable {side}: {value}",
    )
    LEG_CROSSED = ("leg_crossed", Kind.TRANSIENT, "{symbol} is crossed: bid {bid} above ask {ask}")
    LEG_AHEAD = (
        "leg_ahead",
        Kind.TRANSIENT,
        "{symbol} quote is dated {ahead_s} s ahead of the broker's clock",
    )
    LEG_STALE = ("leg_stale", Kind.TRANSIENT, "{symbol} quote is {age_s} s old; at most {limit_s} s")
    PUT_CREDIT_NOT_POSITIVE = (
        "put_credit_not_positive",
        Kind.TRANSIENT,
        "the put spread's natural credit is {credit}",
    )
    CALL_CREDIT_NOT_POSITIVE = (
        "call_credit_not_positive",
        Kind.TRANSIENT,
        "the call spread's natural credit is {credit}",
    )
    PACKAGE_CREDIT_NOT_POSITIVE = (
        "package_credit_not_positive",
        Kind.TRANSIENT,
        "the package's natural credit is {credit}",
    )
    CREDIT_ABOVE_WIDTH = (
        "credit_above_width",
        Kind.TRANSIENT,
        "the {spread} spread's {which} credit {credit} is not below its width {width}",
    )
    # Risk (rules 7)
    RISK_INPUT_MISSING = ("risk_input_missing", Kind.TRANSIENT, "{what} is unavailable")
    RISK_NOT_POSITIVE = ("risk_not_positive", Kind.TERMINAL, "max risk is {max_risk} $")
    RISK_ABOVE_BUDGET = (
        "risk_above_budget",
        Kind.TERMINAL,
        "max risk {max_risk} $ is above the budget of {budget} $",
    )
    RISK_ABOVE_BUYING_POWER = (
        "risk_above_buying_power",
        Kind.TERMINAL,
        "max risk {max_risk} $ is above the buying power of {buying_power} $",
    )
    POSITION_LIMIT = (
        "position_limit",
        Kind.TERMINAL,
        "open tridents: {open}; the limit is {limit}",
    )
    OPEN_RISK_UNKNOWN = (
        "open_risk_unknown",
        Kind.TERMINAL,
        "the open risk is unknown: {entries} has other legs than whole tridents, and counts until the broker holds and "
        "works none of them",
    )
    OPPOSITE_SIDE = (
        "opposite_side",
        Kind.TERMINAL,
        "the account holds or works the opposite side of {symbol}",
    )
    # The entry price and sending (rules 8, 9)
    NO_MID = ("no_mid", Kind.TRANSIENT, "the package has no mid credit")
    NO_TICK = ("no_tick", Kind.TERMINAL, "the chain carries no tick for {price}")
    DRY_RUN_REFUSED = ("dry_run_refused", Kind.TERMINAL, "the broker's dry run refused: {detail}")
    DRY_RUN_WARNING = (
        "dry_run_warning",
        Kind.TERMINAL,
        "the broker's dry run warned with an unlisted code: {code}",
    )
    DRY_RUN_FAILED = ("dry_run_failed", Kind.TRANSIENT, "the broker's dry run failed: {detail}")
    DECISION_OLD = (
        "decision_old",
        Kind.TRANSIENT,
        "the decision is {age_s} s old; at most {limit_s} s",
    )
    NATURAL_ABOVE_LIMIT = (
        "natural_above_limit",
        Kind.TRANSIENT,
        "the natural credit rose to {natural}, above the limit {limit}",
    )
    BODY_MOVED = ("body_moved", Kind.TRANSIENT, "the body moved from {was} to {now}")
    ALREADY_AT_BROKER = (
        "already_at_broker",
        Kind.TERMINAL,
        "the broker already has an opening trident of this account today: order {order_id}",
    )
    REFUSED_UNHEARD = (
        "refused_unheard",
        Kind.TERMINAL,
        "the broker refused the order of {at} ET and no alerts were heard after it; should it have the order all the "
        "same, its listings show it by {until} ET",
    )
    ORDERS_UNREADABLE = (
        "orders_unreadable",
        Kind.TRANSIENT,
        "today's orders could not be read: {detail}",
    )
    SEND_LATE = ("send_late", Kind.TRANSIENT, "{late_s} s passed between deciding and the wire")
    LOCK_LOST = ("lock_lost", Kind.TERMINAL, "this console no longer holds the trader's lock: {detail}")
    KILL_FILE = ("kill_file", Kind.TERMINAL, "the file {path} halts all entries")
    HALT_ALL_FILE = ("halt_all_file", Kind.TERMINAL, "the file {path} halts all entries and exits")
    # Exits alone (rules 15.8)
    EXITS_HELD = ("exits_held", Kind.TERMINAL, "exits are held")
    EXITS_OFF = ("exits_off", Kind.TERMINAL, "exits are off for this account")
    ACCOUNT_UNREAD = (
        "account_unread",
        Kind.TRANSIENT,
        "the account's positions and orders were not read completely in the last {limit_s} s",
    )
    NOT_CLAIMED = ("not_claimed", Kind.TRANSIENT, "its units cannot be claimed: {why}")
    CLOSES_NOTHING = (
        "closes_nothing",
        Kind.TRANSIENT,
        "the broker's dry run sees no position that the order would close",
    )
    HOLDINGS_DIFFER = (
        "holdings_differ",
        Kind.TRANSIENT,
        "the broker's positions do not agree with the records about its legs",
    )
    CLOSED_ELSEWHERE = (
        "closed_elsewhere",
        Kind.TRANSIENT,
        "order {order_id} at the broker closes the same legs and has no claim here",
    )
    NOT_CLOSABLE_NOW = (
        "not_closable_now",
        Kind.TRANSIENT,
        "{ordered} of {symbol} are to be closed, and {closable} may be",
    )
    LEGS_UNQUOTED = ("legs_unquoted", Kind.TRANSIENT, "its legs have no fresh quotes: {missing}")
    EXIT_NOT_BY_RULE = ("exit_not_by_rule", Kind.TRANSIENT, "the order is not what the rules give now: {why}")
    NOT_SENT = ("not_sent", Kind.TRANSIENT, "the order never left: {detail}")
    REJECTED = ("rejected", Kind.TERMINAL, "the broker refused the order: {detail}")
    OPPOSING_ORDER = (
        "opposing_order",
        Kind.TERMINAL,
        "the broker refused an order on {symbol} today, because one of the other direction works: {detail}",
    )
    OUTCOME_UNKNOWN = (
        "outcome_unknown",
        Kind.TERMINAL,
        "whether the broker took the order is unknown: {detail}",
    )
    # What became of an entry that was sent (rules 9)
    ENTRY_EXPIRED = ("entry_expired", Kind.TERMINAL, "the order expired unfilled")
    ENTRY_CANCELLED = ("entry_cancelled", Kind.TERMINAL, "the order was cancelled, and no operator here asked for it")
    CANCELLED_HERE = ("cancelled_here", Kind.TERMINAL, "an operator cancelled the order")
    ENTRY_ABSENT = ("entry_absent", Kind.TERMINAL, "the order is not at the broker")
    ENTRY_INCIDENT = ("entry_incident", Kind.TERMINAL, "the broker and the records contradict each other")
    BREAKER_OPEN = ("breaker_open", Kind.TERMINAL, "{why}; {reset}")
    RECORD_FAILED = ("record_failed", Kind.TERMINAL, "the record could not be written: {detail}")
    # Commands (rules 10)
    COMMAND_EXPIRED = ("command_expired", Kind.TERMINAL, "the command was older than {limit_s} s")
    COMMAND_OUTDATED = (
        "command_outdated",
        Kind.TERMINAL,
        "the console showed another state when the key was pressed",
    )
    RESUMED_SINCE = ("resumed_since", Kind.TERMINAL, "automation was resumed after it was asked")
    PREVIEW_GIVEN_UP = ("preview_given_up", Kind.TERMINAL, "a cycle started; ask again when it has ended")
    NO_SUCH_TARGET = ("no_such_target", Kind.TERMINAL, "there is no {target}")
    NO_SUCH_ACCOUNT = (
        "no_such_account",
        Kind.TERMINAL,
        "'{number}' names {found}; {known}",
    )
    ACCOUNT_SETTING = ("account_setting", Kind.TERMINAL, "{field} must be {accepted}; '{given}' was given")
    NOT_CANCELLABLE = ("not_cancellable", Kind.TERMINAL, "nothing is cancelled: the entry is {state}")
    NOT_UNKNOWN = ("not_unknown", Kind.TERMINAL, "the entry is {state}: {why}")
    EXIT_NOT_CANCELLABLE = ("exit_not_cancellable", Kind.TERMINAL, "nothing is cancelled: the {exit} is {state}")
    EXIT_NOT_UNKNOWN = ("exit_not_unknown", Kind.TERMINAL, "the {exit} is {state}: {why}")
    NOT_AN_EXIT = (
        "not_an_exit",
        Kind.TERMINAL,
        "order {order_id} is not adopted: {why}; cancel it at the broker if it is not yours",
    )
    NOT_ATTESTED = ("not_attested", Kind.TERMINAL, "nothing is recorded: {why}")
    NOT_A_TRIDENT = (
        "not_a_trident",
        Kind.TERMINAL,
        "order {order_id} is no whole number of tridents of this console's underlyings; "
        "`senex reset mismatch` says it is not ours",
    )
    OTHER_LEGS = (
        "other_legs",
        Kind.TERMINAL,
        "order {order_id} is no whole number of this entry's tridents ({differs}); the entry is {state} and its risk "
        "unknown: settle it at the broker, then `senex reset incident`",
    )
    NOT_CLOSED_BY_CANCEL = (
        "not_closed_by_cancel",
        Kind.TERMINAL,
        "the entry is {state}; re-entry is allowed only after a cancel by a person that ended without a fill",
    )
    ENDED_BEFORE_CANCEL = (
        "ended_before_cancel",
        Kind.TERMINAL,
        "nothing is cancelled: the order was {state} before the cancel arrived",
    )
    CANCEL_REFUSED = ("cancel_refused", Kind.TERMINAL, "the broker did not take the cancel: {detail}")
    COMMAND_WORDS = ("command_words", Kind.TERMINAL, "`{command}` takes {accepted}; '{given}' was given")
    NOT_CLOSABLE = ("not_closable", Kind.TERMINAL, "nothing is closed: {why}")
    NOT_RETARGETED = ("not_retargeted", Kind.TERMINAL, "its targets stay as they are: {why}")
    NOT_RELEASED = ("not_released", Kind.TERMINAL, "nothing is released: {why}")
    EXITS_UNCONFIRMED = (
        "exits_unconfirmed",
        Kind.TERMINAL,
        "live closing orders of an account are switched on by typing {words}; nothing is changed",
    )
    NOT_RECONCILED = ("not_reconciled", Kind.TERMINAL, "reconciliation is not clean: {detail}")
    INTERNAL = ("internal", Kind.TERMINAL, "an internal error: {detail}")


_BY_CODE = {reason.code: reason for reason in Reason}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason and the figures that fill its sentence.

    `underlying` is the symbol that an attempt refused, empty for a refusal of the account, the market or the order.
    """

    reason: Reason
    figures: Figures = ()
    underlying: str = ""

    @property
    def code(self) -> str:
        return self.reason.code

    @property
    def transient(self) -> bool:
        return self.reason.transient

    def sentence(self) -> str:
        """The reason's sentence with the figures filled in, for a trader: without the broker's codes."""
        plain = ((name, without_codes(value) if isinstance(value, str) else value) for name, value in self.figures)
        return filled(self.reason.sentence, plain)

    def recorded(self) -> str:
        """The same with the broker's codes, by which programs know what it means."""
        return filled(self.reason.sentence, self.figures)


def refuse(reason: Reason, **figures: FigureValue) -> Refusal:
    """A refusal for this reason, with its figures given by name."""
    return Refusal(reason, tuple(figures.items()))
