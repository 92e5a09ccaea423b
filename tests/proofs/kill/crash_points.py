"""The named crash points: before, in and after each commit of a path, and before and after the order's POST."""

from __future__ import annotations

from core.engine.engine import Engine
from core.records.records import Records
from tests.proofs.kill.kill_at import KillSwitch

ANSWER_IN_HAND = "after the POST"
"""The POST has an outcome that is not recorded yet."""

ENTRY_POINTS = (
    *(f"{when} {what}" for what in ("the suggestion", "prepare", "the preflight") for when in ("before", "after")),
    *(f"{when} its answer" for when in ("before", "after")),
    *(f"{when} {what}" for what in ("mark sent", "the POST", "the fills") for when in ("before", "after")),
    *(f"{when} the state{n}" for n in ("", " (2)") for when in ("before", "after")),
    *(f"{when} the order{n}" for n in ("", " (2)") for when in ("before", "after")),
    *(f"in a commit{n}" for n in ("", " (2)", " (3)", " (4)", " (5)", " (6)", " (7)")),
)

RECONCILE_POINTS = (
    *(f"{when} the state{n}" for n in ("", " (2)", " (3)") for when in ("before", "after")),
    *(f"{when} the fills{n}" for n in ("", " (2)") for when in ("before", "after")),
    *(f"{when} the evidence{n}" for n in ("", " (2)") for when in ("before", "after")),
    *(f"in a commit{n}" for n in ("", " (2)", " (3)", " (4)", " (5)", " (6)", " (7)", " (8)")),
)

CANCEL_POINTS = (
    *(f"{when} {what}" for what in ("the cancel", "the engine's cancel", "the state") for when in ("before", "after")),
    *(f"in a commit{n}" for n in ("", " (2)", " (3)", " (4)")),
)

ADOPT_POINTS = (
    *(f"{when} {what}" for what in ("the adoption", "the fills", "the state") for when in ("before", "after")),
    *(f"{when} the order{n}" for n in ("", " (2)") for when in ("before", "after")),
    *(f"in a commit{n}" for n in ("", " (2)", " (3)", " (4)", " (5)", " (6)")),
)


def place_named_points(switch: KillSwitch, engine: Engine) -> None:
    """Adds the named points to the records and the broker of this engine; the product itself has none."""
    records: Records = engine.parts.records
    switch.around(records.journal, "record_suggestion", "the suggestion")
    switch.around(records.entries, "prepare", "prepare")
    switch.around(records.entries, "mark_sent", "mark sent")
    switch.around(records.entries, "become", "the state")
    switch.around(records.entries, "add_fills", "the fills")
    switch.around(records.entries, "add_evidence", "the evidence")
    switch.around(records.entries, "adopt", "the adoption")
    switch.around(records.entries, "note_engine_cancel", "the engine's cancel")
    switch.around(records.intent_orders, "note", "the order")
    switch.around(engine.parts.broker, "cancel", "the cancel")
    switch.around(engine.parts.broker, "dry_run", "the preflight")
    switch.around(records.journal, "record_dry_run", "its answer")
    switch.around(engine.parts.broker, "send", "the POST")
    switch.before_commits(records.database)
