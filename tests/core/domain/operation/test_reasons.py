"""Reasons: their codes stay stable, each has a kind, and each sentence gets all its figures."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.domain.operation.reason_words import in_general
from core.domain.operation.reasons import Kind, Reason, Refusal, refuse
from tests.support.domain_builders import TODAY, D

CORE = Path(__file__).parents[4] / "core"


def placeholders(reason: Reason) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(reason.sentence) if name is not None}


@pytest.mark.parametrize("reason", Reason)
def test_codes_are_stable_words_and_sentences_read(reason: Reason) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", reason.code)
    assert reason.code == reason.name.lower()
    assert Reason.of(reason.code) is reason
    assert reason.sentence
    assert not reason.sentence.endswith(".")
    assert all(name.isidentifier() for name in placeholders(reason))


def test_no_two_reasons_share_a_code_or_a_sentence() -> None:
    assert len({r.code for r in Reason}) == len({r.sentence for r in Reason}) == len(Reason)


@pytest.mark.parametrize("reason", Reason)
def test_what_a_reason_says_in_general_needs_no_figures(reason: Reason) -> None:
    told = in_general(reason.code)
    assert "{" not in told
    assert "_" not in told
    assert " " in told, "a word alone is no sentence"
    assert not told.endswith(".")
    assert (told == reason.sentence) is not bool(placeholders(reason)), "what has no figures is said in its own words"


def test_what_is_said_in_general_tells_reasons_apart() -> None:
    assert len({in_general(reason.code) for reason in Reason}) == len(Reason)
    assert in_general("no_such_code") == "no such code", "a code of another version"


def test_an_unknown_code_is_an_error() -> None:
    with pytest.raises(KeyError):
        Reason.of("no_such_code")


# Rules 4.2: judgement, structure and no expiration end an underlying for the cycle; stale or missing quotes, bad
# pricing, feed loss and a read that failed do not. Rules 5 and 7 name the rest.
TRANSIENT = {
    "account_unreadable", "feed_down", "price_missing", "price_stale", "metrics_missing", "metrics_stale",
    "metrics_untimed", "chain_unreadable", "quotes_not_arriving", "leg_missing", "leg_unusable", "leg_crossed",
    "leg_stale", "put_credit_not_positive", "call_credit_not_positive", "package_credit_not_positive",
    "credit_above_width", "risk_input_missing", "no_mid",
}  # fmt: skip
TERMINAL = {
    "iv_missing", "iv_implausible", "candles_missing", "earnings_near", "ex_dividend_near", "trading_halted",
    "low_score", "no_expiration", "strike_not_listed", "risk_not_positive", "risk_above_budget",
    "risk_above_buying_power", "position_limit", "opposite_side", "no_tick", "paused", "halted", "market_closed",
    "session_unreadable", "entry_today", "rejected", "opposing_order", "outcome_unknown", "kill_file",
}  # fmt: skip


@pytest.mark.parametrize("code", sorted(TRANSIENT))
def test_what_another_attempt_can_cure_is_transient(code: str) -> None:
    assert Reason.of(code).kind is Kind.TRANSIENT
    assert refuse(Reason.of(code)).transient


@pytest.mark.parametrize("code", sorted(TERMINAL))
def test_what_another_attempt_cannot_cure_is_terminal(code: str) -> None:
    assert Reason.of(code).kind is Kind.TERMINAL
    assert not refuse(Reason.of(code)).transient


def test_a_refusal_fills_its_sentence_with_figures_of_every_kind() -> None:
    refusal = refuse(Reason.RISK_ABOVE_BUDGET, max_risk=D("214.00"), budget=D("100"))
    assert refusal.sentence() == "max risk 214.00 $ is above the budget of 100.00 $"
    assert refusal.code == "risk_above_budget"
    assert refuse(Reason.STRIKE_NOT_LISTED, symbol="QQQ", expiration=TODAY, strike="622P").sentence() == (
        "QQQ 2025-11-05 does not list 622P"
    )
    assert refuse(Reason.LEG_UNUSABLE, symbol="X", side="bid", value=None).sentence() == "X has an unusable bid: none"


def test_a_missing_figure_shows_as_a_question_mark_rather_than_raising() -> None:
    assert refuse(Reason.PRICE_MISSING).sentence() == "? has no usable price"


def test_braces_in_a_figure_are_text() -> None:
    assert refuse(Reason.INTERNAL, detail="{symbol} {0}").sentence() == "an internal error: {symbol} {0}"


def test_refusals_with_equal_figures_are_equal() -> None:
    assert refuse(Reason.PRICE_MISSING, symbol="QQQ") == Refusal(Reason.PRICE_MISSING, (("symbol", "QQQ"),))


# Every place in core that refuses supplies every figure its sentence asks for.


def named_reasons(node: ast.AST) -> set[str]:
    return {
        n.attr
        for n in ast.walk(node)
        if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id == "Reason"
    } & Reason.__members__.keys()


def function_of(tree: ast.Module, call: ast.Call) -> ast.AST:
    """The name of the innermost function that contains a call, or of the module."""
    around = [
        n
        for n in ast.walk(tree)
        if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
        and n.lineno <= call.lineno <= (n.end_lineno or n.lineno)
    ]
    return max(around, key=lambda n: n.lineno, default=tree)


def missing_figures(source: str) -> tuple[int, list[str]]:
    """Counts the `refuse(...)` calls of a source file and names what is wrong with them.

    When the reason is a variable, it is one of those the enclosing function names, and the call must fit each of them.
    """
    tree = ast.parse(source)
    faults: list[str] = []
    calls = [
        n
        for n in ast.walk(tree)
        if isinstance(n, ast.Call)
        and (n.func.id if isinstance(n.func, ast.Name) else n.func.attr if isinstance(n.func, ast.Attribute) else "")
        == "refuse"
    ]
    for call in calls:
        if not call.args:
            faults.append(f"line {call.lineno}: the reason is not the first argument")
            continue
        names = named_reasons(call.args[0]) or named_reasons(function_of(tree, call))
        supplied = {k.arg for k in call.keywords if k.arg is not None}
        if any(k.arg is None for k in call.keywords):
            faults.append(f"line {call.lineno}: figures are unpacked; spell them out")
        elif not names:
            faults.append(f"line {call.lineno}: no reason can be seen from here")
        else:
            faults += [
                f"line {call.lineno}: {name} needs {sorted(lacking)}"
                for name in sorted(names)
                if (lacking := placeholders(Reason[name]) - supplied)
            ]
    return len(calls), faults


def sources() -> Iterator[Path]:
    yield from sorted(p for p in CORE.rglob("*.py") if p.name != "reasons.py")


def test_every_refusal_in_core_fills_its_sentence() -> None:
    found, faults = 0, []
    for path in sources():
        count, wrong = missing_figures(path.read_text(encoding="utf-8"))
        found += count
        faults += [f"{path.relative_to(CORE.parent)} {w}" for w in wrong]
    assert not faults, "\n".join(faults)
    assert found >= 30


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("refuse(Reason.PRICE_MISSING)", "line 1: PRICE_MISSING needs ['symbol']"),
        ("refuse(Reason.PRICE_MISSING, symbol=s)", None),
        ("refuse(Reason.PAUSED)", None),
        ("r.refuse(Reason.NO_TICK, prices=1)", "line 1: NO_TICK needs ['price']"),
        ("refuse(Reason.PRICE_MISSING, **f)", "line 1: figures are unpacked; spell them out"),
        ("def f(r):\n    refuse(r)", "line 2: no reason can be seen from here"),
        ("def f():\n    r = Reason.NO_TICK\n    refuse(r)", "line 3: NO_TICK needs ['price']"),
        ("refuse(Reason.PAUSED if x else Reason.NO_TICK)", "line 1: NO_TICK needs ['price']"),
    ],
)
def test_the_scan_sees_what_is_missing(source: str, fault: str | None) -> None:
    assert missing_figures(source) == (1, [] if fault is None else [fault])


@pytest.mark.parametrize(("days", "words"), [(0, "0 days"), (1, "1 day"), (2, "2 days")])
def test_one_thing_is_not_told_as_several(days: int, words: str) -> None:
    assert refuse(Reason.EARNINGS_NEAR, symbol="QQQ", days=days).sentence() == f"QQQ reports earnings in {words}"


def test_no_sentence_writes_a_plural_after_a_number_that_may_be_one() -> None:
    """A number of things brings its word itself."""
    plural = re.compile(r"\{(\w+)\} (?:\w+ )?(days|candles|accounts|tridents|minutes|orders)\b")
    texts = ("high", "symbol")  # a limit of ours, and no number at all
    found = {
        reason.code: match[0]
        for reason in Reason
        if (match := plural.search(reason.sentence)) and match[1] not in texts
    }
    assert found == {}


@pytest.mark.parametrize("reason", [Reason.REJECTED, Reason.DRY_RUN_REFUSED, Reason.NOT_SENT])
def test_the_full_stop_of_words_from_outside_is_left_out(reason: Reason) -> None:
    """A sentence goes on after them: `...; took 0:14`."""
    told = refuse(reason, detail="preflight_check_failure: One or more preflight checks failed.").sentence()
    assert told.endswith("One or more preflight checks failed")
