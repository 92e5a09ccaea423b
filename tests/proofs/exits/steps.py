"""Tells which commits are steps of an exit: after each of them the invariants are judged."""

from __future__ import annotations

from dataclasses import dataclass

from tests.proofs.exits.facts import Reader

_STANDING = (
    "SELECT (SELECT max(seq) FROM intent_changes), (SELECT max(seq) FROM fills), (SELECT max(seq) FROM claims), "
    "(SELECT count(*) FROM claims WHERE released_at IS NULL), (SELECT max(seq) FROM gone), "
    "(SELECT count(*) FROM exits WHERE released_at IS NULL AND cancel_asked_at IS NOT NULL)"
)


@dataclass
class ExitSteps:
    """Compares how exits stand with how they stood when it was asked last."""

    _stood: object = None

    def moved(self, reader: Reader) -> bool:
        """Whether an exit or an entry has changed its state, a fill was stored, a claim was made or released, a cancel
        was asked, or a contract is found to be gone."""
        (stands,) = reader.execute(_STANDING)
        before, self._stood = self._stood, stands
        return before is not None and stands != before
