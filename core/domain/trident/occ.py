"""Reads OCC option symbols as the broker writes them. They are never built here: symbols come from the chain."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.domain.market.chain import Right

_OCC = re.compile(r"(?P<root>[A-Z0-9.$/^]{1,6}) *(?P<day>\d{6})(?P<right>[CP])(?P<strike>\d{8})", re.ASCII)
_THOUSANDTH = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class OccOption:
    """The option that an OCC symbol names: its root, expiration, right, and strike in dollars."""

    root: str
    expiration: date
    right: Right
    strike: Decimal


def read_occ(symbol: str) -> OccOption | None:
    """The option that the symbol names: the root in six places, YYMMDD, C or P, the strike in thousandths of a dollar.

    None for another symbol, such as a stock's.
    """
    found = _OCC.fullmatch(symbol)
    if found is None or len(symbol) != 21:
        return None
    day = found["day"]
    try:
        expiration = date(2000 + int(day[:2]), int(day[2:4]), int(day[4:]))
    except ValueError:
        return None
    return OccOption(found["root"], expiration, Right(found["right"]), int(found["strike"]) * _THOUSANDTH)
