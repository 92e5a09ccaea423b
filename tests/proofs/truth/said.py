"""What one place of the product says of a trade or of what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from tests.proofs.truth.values import Kind, Step


@dataclass(frozen=True, slots=True)
class Said:
    """One statement. `text` is what a reader sees of it.

    It is about an `entry` (its id), or a `cycle`, or an `account` (its last characters) of a `day`; about all of them
    when none is given. `kind` is what it tells to have become of it. `must` says that the place has to tell the kind,
    and of a filled entry the credit. `good` says that it has a tick or a colour of success. `traded` is said of an
    account-day. `step` and `enters_at` tell what comes next; `countdown` is one that runs to an entry, empty without.
    """

    place: str
    text: str
    entry: str = ""
    cycle: int | None = None
    account: str = ""
    day: date | None = None
    kind: Kind | None = None
    must: bool = False
    contracts: int | None = None
    credit: Decimal | None = None
    good: bool = False
    traded: bool | None = None
    step: Step | None = None
    enters_at: datetime | None = None
    countdown: str = ""
    lie: str = ""
    """What is wrong with it whatever the truth is; empty when nothing is."""
