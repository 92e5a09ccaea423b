"""The named crash points of the exit paths: before and after each commit, request and proof, and in each commit."""

from __future__ import annotations

from core.engine.engine import Engine
from core.records.records import Records
from tests.proofs.kill.exit_faults import ExitPath
from tests.proofs.kill.kill_at import KillSwitch


def _around(*names: str) -> tuple[str, ...]:
    return tuple(f"{when} {name}" for name in names for when in ("before", "after"))


def _commits(count: int) -> tuple[str, ...]:
    return ("in a commit", *(f"in a commit ({number})" for number in range(2, count + 1)))


EXIT_POINTS: dict[ExitPath, tuple[str, ...]] = {
    "target": (
        *_around("prepare", "the complete read", "mark sent", "the POST", "the state", "the order"),
        *_around("prepare (2)", "the POST (2)", "prepare (3)", "the POST (3)"),
        *_commits(9),
    ),
    "target fill": (*_around("the fills", "the state", "the order"), *_commits(4)),
    "cancel and prove": (
        *_around("the ask", "the DELETE", "the ask (2)", "the DELETE (2)", "the GET by id", "the GET by id (2)"),
        *_around("the state", "the state (2)", "the proof", "the proof (2)", "the release", "the release (2)"),
        *_commits(12),
    ),
    "time close": (
        *_around(
            "the phase", "the ask", "the DELETE", "the GET by id", "the state", "the complete read", "the release"
        ),
        *_around("the release (3)", "prepare", "mark sent", "the POST", "the order", "the fills", "the phase (2)"),
        *_commits(20),
    ),
    "transactions": (*_around("the history", "the rows", "the matches", "the earnings"), *_commits(6)),
}


def place_exit_points(switch: KillSwitch, engine: Engine) -> None:
    """Adds the named points to the records, the broker and the room of this engine; the product itself has none."""
    records: Records = engine.parts.records
    broker = engine.parts.broker
    for owner, method, name in (
        (records.exits, "prepare", "prepare"),
        (records.exits, "mark_sent", "mark sent"),
        (records.exits, "become", "the state"),
        (records.exits, "add_fills", "the fills"),
        (records.exits, "ask_cancel", "the ask"),
        (records.exits, "release", "the release"),
        (records.intent_orders, "note", "the order"),
        (records.tridents, "become", "the phase"),
        (records.transactions, "keep", "the rows"),
        (records.transactions, "note_matches", "the matches"),
        (records.pnl_rows, "note_earned", "the earnings"),
        (broker, "send", "the POST"),
        (broker, "cancel", "the DELETE"),
        (broker, "order", "the GET by id"),
        (broker, "transactions", "the history"),
        (engine.exits.reads, "within", "the complete read"),
        (engine.exits.reads, "since", "the proof"),
    ):
        switch.around(owner, method, name)
    switch.before_commits(records.database)
