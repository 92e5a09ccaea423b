"""The words by which places of the product tell a fate, an amount, a next step and a countdown, as a reader takes them.

A table of its own: the product's words are read here, not asked.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

from tests.proofs.truth.values import NEW_YORK, Kind, Step

_KINDS: tuple[tuple[str, Kind], ...] = (
    (r"partly filled|partially filled|partial\b", Kind.PARTLY),
    (r"not[ _-]sent|did not leave", Kind.NOT_SENT),
    (r"sending|being sent|prepared", Kind.SENDING),
    (r"reject(?:ed|s)", Kind.REJECTED),
    (r"cancelled", Kind.CANCELLED),
    (r"expired", Kind.EXPIRED),
    (r"unknown", Kind.UNKNOWN),
    (r"absent|is not at the broker", Kind.ABSENT),
    (r"incident", Kind.INCIDENT),
    (r"validated", Kind.VALIDATED),
    (r"working|works", Kind.WORKING),
    (r"filled|fill_known", Kind.FILLED),
    (r"succeeded", Kind.SUCCEEDED),
    (r"day held|held|today's suggestion is already validated", Kind.HELD),
    (r"skipped|sends failed today", Kind.SKIPPED),  # why a breaker is open, and nothing of the cycle itself
    (r"interrupted", Kind.INTERRUPTED),
    (r"(?<!sends )failed", Kind.FAILED),
    (r"(?<!will be )missed", Kind.MISSED),
    (r"running", Kind.RUNNING),
)
_STEPS: tuple[tuple[str, Step], ...] = (
    (r"no console|no trader", Step.NO_CONSOLE),
    (r"PAUSED|paused", Step.PAUSED),
    (r"stopped by a breaker|breaker", Step.BREAKER),
    (r"HALTED|halted", Step.HALTED),
    (r"automation (?:is )?off|no account may enter|closed at the broker|refuses the login", Step.OFF),
    (r"not free yet", Step.FREEING),
    (r"held by|the day is free when", Step.HELD),
    (r"an order works|being sent|works:", Step.WORKING),
    (r"done today: the suggestion is validated", Step.VALIDATED),
    (r"done today", Step.DONE),
    (r"skipped today|skips today", Step.SKIPPED),
    (r"[Rr]econciling", Step.RECONCILING),
    (r"a cycle is running", Step.RUNNING),
    (r"free to (?:enter|validate)", Step.ENTERS),
    (r"no slot is left|market closed|no slot", Step.CLOSED),
)
STEP_OF = {
    "free": Step.ENTERS,
    "running": Step.RUNNING,
    "done": Step.DONE,
    "working": Step.WORKING,
    "held": Step.HELD,
    "freeing": Step.FREEING,
    "off": Step.OFF,
    "skipped": Step.SKIPPED,
    "paused": Step.PAUSED,
    "halted": Step.HALTED,
    "breaker": Step.BREAKER,
    "reconciling": Step.RECONCILING,
    "closed": Step.CLOSED,
    "no console": Step.NO_CONSOLE,
    "validated": Step.VALIDATED,
}
"""The words that values give what comes next."""
_COUNTDOWN = re.compile(
    r"\bin (\d+:\d\d(?::\d\d)?)\b|\bnext (\d+:\d\d(?::\d\d)?)(?= |$)|\bin (?:(\d+) h )?(\d+) min(?: (\d+) s)?\b"
)
_OF_A_PROOF = re.compile(r"(?i)(?:first|second)[^;.]* read[^;.]*|retrying in [^;.,]*|again in [^;.,]*")
"""Countdowns that run to something else than an entry."""
_AT = re.compile(r"free to (?:enter|validate) at (\d\d:\d\d)")
_CREDIT = re.compile(r"\bfilled(?: at)? (\d+\.\d{2,3})\b", re.IGNORECASE)


@lru_cache(maxsize=4096)
def kind_in(text: str) -> Kind | None:
    """The kind that a text tells first; None when it tells none."""
    found = [
        (at.start(), -len(at.group()), kind)
        for words, kind in _KINDS
        if (at := re.search(rf"(?<![\w-])(?:{words})(?!\w)", text, re.IGNORECASE))
    ]
    return min(found)[2] if found else None


@lru_cache(maxsize=4096)
def step_in(text: str) -> Step | None:
    """The next step that a text tells first; None when it tells none."""
    found = [
        (at.start(), number, step) for number, (words, step) in enumerate(_STEPS) if (at := re.search(words, text))
    ]
    return min(found)[2] if found else None


@lru_cache(maxsize=4096)
def counts_down(text: str) -> str:
    """The countdown to a slot or an entry in a text; empty when none runs there."""
    found = _COUNTDOWN.search(_OF_A_PROOF.sub("", text))
    return found.group() if found else ""


def enters_at(text: str, day: date) -> datetime | None:
    """The slot at which an account is said to enter, of this day."""
    found = _AT.search(text)
    if found is None:
        return None
    hour, minute = found.group(1).split(":")
    return datetime(day.year, day.month, day.day, int(hour), int(minute), tzinfo=NEW_YORK)


def credit_in(text: str) -> Decimal | None:
    """The credit that a text gives a fill; None when it gives none."""
    found = _CREDIT.search(text)
    return Decimal(found.group(1)) if found else None


def contracts_in(text: str) -> int | None:
    """How many contracts a text says are filled; None when it does not say it."""
    found = re.search(r"\b(\d+) of \d+(?: contracts)? filled\b", text)
    return int(found.group(1)) if found else None


def shown(credit: Decimal) -> Decimal:
    """A credit as people read it: cents, with half-cents where there are any (rules 12)."""
    mills = credit.quantize(Decimal("0.001"))
    return (
        mills if mills % Decimal("0.01") in (Decimal("0.005"), Decimal("-0.005")) else credit.quantize(Decimal("0.01"))
    )
