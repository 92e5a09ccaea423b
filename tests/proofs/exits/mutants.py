"""Faults put into the product, each of which one named check of exits has to notice.

Each breaks one thing for the rest of the process, with whatever else of the product would keep its effect from being
seen, so a case is run with it in an interpreter of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import text

from core.domain.orders.orders import Fill, Intent, OrderRequest
from core.domain.positions import cap, due_closes, order_rules, pnl
from core.domain.positions.exits import Exit
from core.domain.positions.pnl import Realized
from core.domain.positions.trident_view import TridentView
from core.guards import exit_gate
from core.guards.kill_files import halting_entries
from core.positions import changes, earnings
from core.positions.exit_guards import ExitGuards
from core.positions.proofs import CancelProofs
from core.records.repositories import intent_rows, intents
from core.simulator.exchange.faults import FaultKind
from core.simulator.in_process import values
from tests.proofs.kill.exit_case import ExitCase, run_quietly
from tests.proofs.kill.exit_faults import AFTER_CANCEL, ANSWER, ExitFault


@dataclass(frozen=True)
class Mutant:
    """One fault: what puts it in, the case that shows it, and the check that turns red. `sql` changes the records that
    the case begins with."""

    name: str
    put_in: Callable[[], None]
    case: ExitCase
    check: str
    sql: str = ""

    def __str__(self) -> str:
        return self.name


def violations_with(mutant: Mutant, templates: Path) -> list[str]:
    """What a case shows with this fault in the product."""
    mutant.put_in()
    return run_quietly(mutant.case, templates, mutant.sql).wrong


def no_strict_flag() -> None:
    """The flag is lost behind the records, the rules and the desk, which all insist on it: on the way to the broker."""
    body = values.order_body

    def without(request: OrderRequest) -> Any:
        return body(replace(request, strict=False))

    _replace(values, "order_body", without)


def no_proof_of_cancel() -> None:
    """A cancel that was asked for is taken for done: its units are free at once."""

    async def taken(proofs: Any, exits: Sequence[Exit]) -> str:
        async with proofs.records.database.write() as connection:
            for one in exits:
                now = proofs.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
                at = {"id": one.id, "at": now}
                over = "state = 'cancelled', terminal_at = :at, released_at = :at"
                await connection.execute(text(f"UPDATE exits SET {over} WHERE id = :id"), at)
                released = "UPDATE claims SET released_at = :at WHERE exit_id = :id AND released_at IS NULL"
                await connection.execute(text(released), at)
        return ""

    async def nothing(*_: Any, **__: Any) -> None:
        return None

    _replace(CancelProofs, "prove", taken)
    _replace(ExitGuards, "refusal", nothing)


def only_the_index() -> None:
    """What is planned forgets what is claimed: the index alone keeps a second exit from a unit."""
    _replace(TridentView, "claimed", property(lambda view: frozenset()))


def cap_ignored() -> None:
    """A time exit may bid whatever the units can be worth."""

    def most(units: Any, width: Any, part: Any, ticks: Any) -> Any:
        return cap.most_debit(units, width, ticks)

    for module in (due_closes, order_rules):
        _replace(module, "cap_of", most)


def fill_applied_twice() -> None:
    """A fill is known by when it was told, not by its id: told again it is another one."""
    note, numbers = intent_rows.note_fills, count()

    async def again(connection: Any, intent: Intent, new_fills: Sequence[Fill]) -> int:
        told = next(numbers)
        return await note(connection, intent, [replace(f, fill_id=f"{f.fill_id}/{told}") for f in new_fills])

    _replace(intents, "note_fills", again)


def incomplete_read_believed() -> None:
    """What one read does not show is believed to be gone, and stays so."""
    _replace(changes, "BELIEVED_S", 0.0)
    _replace(changes, "found_again", lambda *_: ())


def no_fees() -> None:
    """What a trident realized leaves its fees out."""
    true = pnl.realized

    def without(*given: Any, **more: Any) -> dict[Any, Realized]:
        units = true(*given, **more)
        return {name: replace(one, fees=one.fees * 0, opening_fees=one.opening_fees * 0) for name, one in units.items()}

    _replace(earnings, "realized", without)


def halt_stops_exits() -> None:
    """The file that stops entries stops exits too."""
    _replace(exit_gate, "halting_all", halting_entries)


def halt_all_ignored() -> None:
    """The file that stops all that is sent stops no exit."""
    _replace(exit_gate, "halting_all", lambda _: "")


NO_CLAIM_INDEX = "DROP INDEX uq_claims_unit"
HALF_THE_POSITIONS = ExitFault("half the positions", FaultKind.POSITIONS_INCOMPLETE, count=12)
MUTANTS = (
    Mutant("no strict flag", no_strict_flag, ExitCase("target", ANSWER, 0, None), "9.4: "),
    Mutant("no proof of cancel", no_proof_of_cancel, ExitCase("time close", AFTER_CANCEL, 0, None), "9.2: "),
    Mutant("no claim index", only_the_index, ExitCase("target", ANSWER, 0, None), "9.2: ", NO_CLAIM_INDEX),
    Mutant("cap ignored", cap_ignored, ExitCase("time close", ANSWER, 0, None), "9.4: "),
    Mutant("a fill applied twice", fill_applied_twice, ExitCase("target fill", ANSWER, 0, None), "9.11: "),
    Mutant(
        "half a read believed", incomplete_read_believed, ExitCase("time close", HALF_THE_POSITIONS, 0, None), "9.9: "
    ),
    Mutant("no fees", no_fees, ExitCase("transactions", ANSWER, 0, None), "9.9: "),
    Mutant("exits halted with entries", halt_stops_exits, ExitCase("target", ANSWER, 0, None), "9.6: "),
    Mutant("HALT-ALL ignored", halt_all_ignored, ExitCase("time close", ANSWER, 0, "before prepare"), "9.3: "),
)


def _replace(owner: object, name: str, value: object) -> None:
    if not hasattr(owner, name):
        raise AttributeError(f"{owner} has no {name}: nothing would be broken")
    setattr(owner, name, value)
