"""The words of an attestation about what is held: `gone put-1 -7300`, `foreign QQQ   251219P00622000 -2` (rules 15.5,
15.6)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.positions.units import UnitName
from core.domain.trident.occ import read_occ
from core.domain.trident.sides import Direction

GONE, FOREIGN = "gone", "foreign"
_NUMBER = re.compile(r"[+-]?\d{1,9}", re.ASCII)
_OCC = re.compile(r"([A-Z0-9.$/^]{1,6}?) *(\d{6}[CP]\d{8})", re.ASCII)
_ROOT_PLACES = 6
_UNIT = f"UNIT ({', '.join(UnitName)})"
_CENTS = "CENTS (what its end brought, like -7300)"
_SYMBOL = "SYMBOL (an option's, like 'QQQ   251219P00622000')"
_CONTRACTS = "N (contracts, -2 for 2 short)"


@dataclass(frozen=True, slots=True)
class GoneWords:
    """The cash in cents that the end of a unit brought, negative where it cost."""

    unit: UnitName
    cents: int

    @property
    def dollars(self) -> Decimal:
        return Decimal(self.cents) / 100


@dataclass(frozen=True, slots=True)
class ForeignWords:
    """How many contracts of an option are not ours, negative for short ones. `symbol` is its OCC symbol."""

    symbol: str
    quantity: int

    @property
    def side(self) -> Direction:
        return Direction.SHORT if self.quantity < 0 else Direction.LONG


def attest_words(note: str) -> GoneWords | ForeignWords | Refusal | None:
    """What the note of an attestation about what is held asks for; None for one about an order."""
    kind, *rest = note.split() or [""]
    if kind == GONE:
        return _gone(note, rest)
    return _foreign(note, rest) if kind == FOREIGN else None


def is_about_positions(note: str) -> bool:
    """Whether the note is of an attestation about what is held, which needs no broker."""
    return note.split()[:1] in ([GONE], [FOREIGN])


def _gone(note: str, rest: list[str]) -> GoneWords | Refusal:
    if len(rest) != 2:
        return _not_understood(GONE, f"ID, {_UNIT} and {_CENTS}", note)
    unit, cents = rest
    if unit not in list(UnitName):
        return _not_understood(GONE, _UNIT, unit)
    if _NUMBER.fullmatch(cents) is None:
        return _not_understood(GONE, _CENTS, cents)
    return GoneWords(UnitName(unit), int(cents))


def _foreign(note: str, rest: list[str]) -> ForeignWords | Refusal:
    if len(rest) < 2:
        return _not_understood(FOREIGN, f"{_SYMBOL} and {_CONTRACTS}", note)
    typed, contracts = " ".join(rest[:-1]), rest[-1]
    symbol = _padded(typed)
    if not symbol:
        return _not_understood(FOREIGN, _SYMBOL, typed)
    if _NUMBER.fullmatch(contracts) is None:
        return _not_understood(FOREIGN, _CONTRACTS, contracts)
    return ForeignWords(symbol, int(contracts))


def _not_understood(kind: str, accepted: str, given: str) -> Refusal:
    return refuse(Reason.COMMAND_WORDS, command=f"senex attest {kind}", accepted=accepted, given=given)


def _padded(typed: str) -> str:
    """The OCC symbol as the broker writes it, with its root in six places; empty for what is none."""
    found = _OCC.fullmatch(typed.strip())
    symbol = "" if found is None else f"{found[1]:<{_ROOT_PLACES}}{found[2]}"
    return symbol if read_occ(symbol) is not None else ""
