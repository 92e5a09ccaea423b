"""Reasons in words without figures, for counts and summaries, where one refusal's figures would say nothing (rules
12)."""

from __future__ import annotations

from core.domain.operation.reasons import Reason

_R = Reason
_IN_GENERAL = {
    _R.NOT_RECORDED: "the records could not be written at the slot",
    _R.SUSPENDED: "the machine was late for the slot",
    _R.CLOCK_OFF: "this machine's clock is off the broker's",
    _R.CLOCK_IN_DOUBT: "this machine's clock was set and not yet confirmed",
    _R.BEFORE_FIRST_SLOT: "entries had not started yet",
    _R.AFTER_LAST_ENTRY: "entries had ended for the day",
    _R.ACCOUNT_RESTRICTED: "the broker restricts the account",
    _R.ACCOUNT_UNREADABLE: "the account could not be read",
    _R.ENTRY_TODAY: "an entry already holds the day",
    _R.FEED_DOWN: "the quote feed is not live",
    _R.PRICE_MISSING: "an underlying has no usable price",
    _R.PRICE_STALE: "an underlying's price is too old",
    _R.METRICS_MISSING: "an underlying's metrics could not be read",
    _R.METRICS_STALE: "an underlying's metrics are too old",
    _R.METRICS_UNTIMED: "an underlying's metrics carry no time",
    _R.IV_MISSING: "an underlying has no implied volatility",
    _R.IV_IMPLAUSIBLE: "an underlying's implied volatility is implausible",
    _R.CANDLES_MISSING: "an underlying has too few daily candles",
    _R.CANDLES_UNREADABLE: "an underlying's daily candles could not be read",
    _R.EARNINGS_NEAR: "an underlying reports earnings soon",
    _R.EX_DIVIDEND_NEAR: "an underlying goes ex-dividend soon",
    _R.TRADING_HALTED: "an underlying is halted at the exchange",
    _R.LOW_SCORE: "the market's score is too low",
    _R.CHAIN_UNREADABLE: "an option chain could not be read",
    _R.NO_EXPIRATION: "no listed expiration is near enough",
    _R.STRIKE_NOT_LISTED: "a strike is not listed",
    _R.QUOTES_NOT_ARRIVING: "a leg's quote did not come in time",
    _R.LEG_MISSING: "a leg has no quote",
    _R.LEG_UNUSABLE: "a leg's bid or ask is unusable",
    _R.LEG_CROSSED: "a leg's quote is crossed",
    _R.LEG_AHEAD: "a leg's quote is dated ahead of the broker's clock",
    _R.LEG_STALE: "a leg's quote is too old",
    _R.PUT_CREDIT_NOT_POSITIVE: "the put spread pays no natural credit",
    _R.CALL_CREDIT_NOT_POSITIVE: "the call spread pays no natural credit",
    _R.PACKAGE_CREDIT_NOT_POSITIVE: "the package pays no natural credit",
    _R.CREDIT_ABOVE_WIDTH: "a spread's credit is not below its width",
    _R.RISK_INPUT_MISSING: "a figure the risk needs is unavailable",
    _R.RISK_NOT_POSITIVE: "the max risk is not positive",
    _R.RISK_ABOVE_BUDGET: "the max risk is above the budget",
    _R.RISK_ABOVE_BUYING_POWER: "the max risk is above the buying power",
    _R.OPEN_RISK_UNKNOWN: "the risk of an open entry is unknown",
    _R.POSITION_LIMIT: "the limit of open tridents is reached",
    _R.OPPOSITE_SIDE: "the account holds or works the opposite side of a leg",
    _R.NO_TICK: "the chain carries no tick for the limit",
    _R.DRY_RUN_REFUSED: "the broker's dry run refused",
    _R.DRY_RUN_WARNING: "the broker's dry run warned with an unlisted code",
    _R.DRY_RUN_FAILED: "the broker's dry run failed",
    _R.DECISION_OLD: "the decision was too old to send",
    _R.NATURAL_ABOVE_LIMIT: "the natural credit rose above the limit",
    _R.BODY_MOVED: "the body moved before the order was sent",
    _R.ALREADY_AT_BROKER: "the broker already had an opening trident of the account",
    _R.REFUSED_UNHEARD: "no alerts were heard after a refused order",
    _R.ORDERS_UNREADABLE: "today's orders could not be read",
    _R.SEND_LATE: "too long passed between deciding and the wire",
    _R.LOCK_LOST: "this console lost the trader's lock",
    _R.KILL_FILE: "a file halts all entries",
    _R.HALT_ALL_FILE: "a file halts all entries and exits",
    _R.ACCOUNT_UNREAD: "the account was not read completely of late",
    _R.NOT_SENT: "the order never left",
    _R.REJECTED: "the broker refused the order",
    _R.OUTCOME_UNKNOWN: "whether the broker took the order is unknown",
    _R.BREAKER_OPEN: "a breaker stopped entries",
    _R.RECORD_FAILED: "the record could not be written",
    _R.COMMAND_EXPIRED: "the command was too old",
    _R.NO_SUCH_TARGET: "what the command named is not there",
    _R.NO_SUCH_ACCOUNT: "the account named is not exactly one known one",
    _R.ACCOUNT_SETTING: "an account's setting was not accepted",
    _R.NOT_CANCELLABLE: "the entry cannot be cancelled",
    _R.NOT_UNKNOWN: "the entry is not unknown",
    _R.NOT_A_TRIDENT: "the order is no whole number of tridents of this console's underlyings",
    _R.OTHER_LEGS: "the order is no whole number of the entry's tridents",
    _R.NOT_CLOSED_BY_CANCEL: "no cancel by a person closed the day",
    _R.ENDED_BEFORE_CANCEL: "the order had ended before the cancel arrived",
    _R.CANCEL_REFUSED: "the broker did not take the cancel",
    _R.COMMAND_WORDS: "the words of a command were not accepted",
    _R.NOT_CLOSABLE: "what was to be closed cannot be",
    _R.NOT_RETARGETED: "the trident takes no new targets",
    _R.NOT_RELEASED: "the trident cannot be released",
    _R.EXITS_UNCONFIRMED: "live closing orders need typed words",
    _R.NOT_RECONCILED: "reconciliation is not clean",
    _R.INTERNAL: "an internal error",
}
"""Every reason whose sentence has figures in it."""


def in_general(code: str) -> str:
    """What the reason with this stable code says of no run in particular; a code not known here as words."""
    try:
        reason = Reason.of(code)
    except KeyError:
        return code.replace("_", " ")
    return _IN_GENERAL.get(reason, reason.sentence)
