"""What a run, a cycle or a slot is told to have come to: the fate of its entry, else what it recorded (rules 4.4).

The recorded outcome says what the cycle did and is provisional. Where there is an entry, its fate stands instead, also
of a cycle that was interrupted and recorded no run.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache

from core.domain.operation.outcomes import RANKED, Outcome, worst
from core.domain.operation.reason_words import in_general
from core.domain.operation.reasons import Reason
from core.domain.operation.runs import AccountRun
from core.domain.orders.fate import Fate, FateKind, fate_words

VALIDATED, HELD, MISSED, INTERRUPTED, RUNNING = "validated", "held", "missed", "interrupted", "running"
"""Words of a Told that are neither the kind of a fate nor an outcome."""

HELD_BY = frozenset({Reason.ENTRY_TODAY.code, Reason.VALIDATED_TODAY.code})
"""Codes of the reasons of runs that met what the day already had."""

_LETTERS = re.compile(r"[^\W\d_]+")
_SILENT = {Reason.ACCOUNT_DISABLED.code}
"""Reasons of runs that are left out where a cycle's accounts are counted in words, unless there are no others."""


@dataclass(frozen=True, slots=True)
class Told:
    """What something is told to have come to.

    `outcome` is for counting, tone and exit code; None while it runs, and for a missed slot. `word` is the kind of the
    fate, else the outcome, or one of this module's words. `words` is a line for people with the figures in it. `reason`
    is the stable code, empty without one. `fate` is set when it decided.
    """

    outcome: Outcome | None
    word: str
    words: str
    reason: str = ""
    fate: Fate | None = None

    @property
    def beside_outcome(self) -> str:
        """The words to show beside the outcome; empty when they only repeat it."""
        return "" if self.outcome is not None and self.words == self.outcome.value else self.words

    @property
    def beside_word(self) -> str:
        """The words to show beside `word`; empty when they only repeat it."""
        return "" if self.words == self.word else self.words


STILL_RUNNING = Told(None, RUNNING, RUNNING)


@dataclass(frozen=True, slots=True)
class CycleEnd:
    """The end of a cycle as recorded. `has_ended` is false while it runs; then the rest is empty."""

    has_ended: bool
    outcome: str
    reason: str
    reason_text: str


def told_run(
    run: AccountRun | None, fate: Fate | None, *, validated: bool = False, held_by: Fate | None = None
) -> Told:
    """What one account's part in a cycle came to.

    `run` is None while it has not ended, or when the cycle was interrupted. `fate` is that of the entry it made.
    `validated`: it validated a suggestion in a dry run. `held_by` is the fate of the day's entry that a run met.
    """
    if fate is not None and fate.outcome is not None:
        return Told(fate.outcome, fate.kind.value, fate_words(fate), fate.reason.code if fate.reason else "", fate)
    if run is None:
        return STILL_RUNNING if fate is None else Told(None, fate.kind.value, fate_words(fate), "", fate)
    word = run.outcome.value
    if run.reason in HELD_BY:
        words = run.reason_text if held_by is None else _held(held_by)
        return Told(run.outcome, HELD, words, run.reason)
    if run.outcome is Outcome.SUCCEEDED and validated:
        word = VALIDATED
    return Told(run.outcome, word, run.reason_text or word, run.reason)


def told_accounts(
    runs: Sequence[AccountRun],
    fates: Mapping[str, Fate],
    *,
    validated: Collection[str] = (),
    held_by: Mapping[str, Fate] | None = None,
) -> Mapping[str, Told]:
    """What each account's part in one cycle came to, by account. Those with a run come first, then those with an entry.

    `fates` has the entries that this cycle made, by account; `validated` the accounts it validated a suggestion for;
    `held_by` the entries that held the day, by account.
    """
    by_account = {run.account: run for run in runs}
    return {
        account: told_run(
            by_account.get(account),
            fates.get(account),
            validated=account in validated,
            held_by=(held_by or {}).get(account),
        )
        for account in dict.fromkeys((*by_account, *fates))
    }


@lru_cache
def _words_without_records() -> frozenset[str]:
    """Every word in what is told of a cycle whose entries are all filled, but for what is recorded as text."""
    nothing = Decimal(1)
    filled = Fate(FateKind.FILLED, 1, 1, nothing, nothing, nothing, None, False, True, True, None, "", "", False)
    fates = (replace(filled, packages=2), replace(filled, fills_missing=True), replace(filled, max_risk=None))
    own = (VALIDATED, HELD, MISSED, INTERRUPTED, RUNNING)
    told = (*(_held(fate) for fate in fates), *FateKind, *Outcome, *own)
    return frozenset(word for words in told for word in _LETTERS.findall(words.lower()))


def may_tell_of_filled(text: str) -> bool:
    """Whether this text may stand in what is told of a cycle whose entries are all filled, beside what is recorded as
    text: each word of it is part of one that may be told. False is certain."""
    known = _words_without_records()
    return all(any(part in word for word in known) for part in _LETTERS.findall(text.lower()))


def _held(by: Fate) -> str:
    return f"day held: {fate_words(by)}"


def told_cycle(cycle: CycleEnd, accounts: Mapping[str, Told]) -> Told:
    """What a cycle came to: the worst of its accounts, in the words of the one that decided, or counted for several."""
    if not cycle.has_ended:
        return STILL_RUNNING
    asked = [each for each in accounts.values() if each.outcome not in (None, Outcome.NOT_ASKED)]
    shown = [each for each in asked if each.reason not in _SILENT] or asked
    if not shown:
        return _recorded(cycle.outcome, cycle.reason, cycle.reason_text)
    outcome = worst(each.outcome for each in shown if each.outcome is not None)
    decided = next(each for each in shown if each.outcome is outcome)
    if len(shown) == 1:
        return decided
    return Told(outcome, decided.word, _counted(shown), decided.reason, decided.fate)


def told_slot(state: str, outcome: str, reason: str, text: str, cycle: Told | None) -> Told:
    """What a recorded slot came to. `state` is its word in the records, `cycle` what the cycle it ran came to."""
    if cycle is not None:
        return cycle
    if state == MISSED:
        return Told(None, MISSED, text or MISSED, reason)
    return STILL_RUNNING if state == "claimed" else _recorded(outcome, reason, text)


def told_totals(told: Iterable[Told]) -> Mapping[Outcome, int]:
    """How many came to each outcome. Those not asked, and those that still run, are left out."""
    counted = Counter(each.outcome for each in told)
    return {outcome: counted[outcome] for outcome in reversed(RANKED)}


def _recorded(outcome: str, reason: str, text: str) -> Told:
    """What is told when no account's part says more: the end that the cycle itself recorded."""
    known = Outcome(outcome) if outcome else Outcome.FAILED
    word = INTERRUPTED if reason == Reason.INTERRUPTED.code or not outcome else known.value
    return Told(known, word, text or (in_general(reason) if reason else word), reason)


def _counted(told: Sequence[Told]) -> str:
    """`1 rejected, 2 filled`: the words with their counts, the worst first."""
    counted = Counter((RANKED.index(each.outcome), each.word) for each in told if each.outcome is not None)
    ordered = sorted(counted.items(), key=lambda item: -item[0][0])
    return ", ".join(f"{count} {word}" for (_, word), count in ordered)
