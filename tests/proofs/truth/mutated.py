"""Lives a scene with a lie in the product, in a process of its own."""

from __future__ import annotations

from pathlib import Path

from tests.proofs.truth.mutants import MUTANTS
from tests.proofs.truth.scenes import SCENES


def lies_with(lie: str, folder: Path) -> list[str]:
    """What the check sees in the scene of the mutant with this lie. The lie stays in the process."""
    (mutant,) = (mutant for mutant in MUTANTS if mutant.lie == lie)
    mutant.put_in()
    return list(SCENES[mutant.scene].live(folder).lies)
