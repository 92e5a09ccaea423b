"""Everything that is on record of one trident: its entry, its closing orders, what left it, the broker's rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.domain.positions.exits import Exit
from core.domain.positions.matching import Match
from core.domain.positions.units import UnitName
from core.records.repositories.rows import EvidenceRecord, IntentChange
from core.records.repositories.trident_rows import TridentRecord
from core.records.repositories.unit_rows import GoneRecord, UnitEarned
from core.records.search.cycle_details import EntryDetails


@dataclass(frozen=True, slots=True)
class ExitDetails:
    """A closing order, every state it went through, and everything that was seen of it, oldest first."""

    exit: Exit
    changes: tuple[IntentChange, ...]
    evidence: tuple[EvidenceRecord, ...]


@dataclass(frozen=True, slots=True)
class TridentDetails:
    """`gone` are its contracts that left without an order of ours, `matches` the parts of the broker's rows that are
    its own, `earned` what each unit earned."""

    record: TridentRecord
    entry: EntryDetails
    exits: tuple[ExitDetails, ...]
    gone: tuple[GoneRecord, ...]
    matches: tuple[Match, ...]
    earned: Mapping[UnitName, UnitEarned]
