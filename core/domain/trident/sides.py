"""The side of an option that an account holds, and what a leg's action does to it."""

from __future__ import annotations

from enum import Enum

from core.domain.trident.trident import Action


class Direction(Enum):
    """The side of a position. The value is the broker's word."""

    LONG = "Long"
    SHORT = "Short"


LegSide = tuple[str, Direction]
"""An option by the chain's OCC symbol, and the side on which it is held."""


def side_of(action: Action) -> Direction:
    """The side that an opening leg is on once it is filled. Raises ValueError for a closing one."""
    if not action.opens:
        raise ValueError(f"{action.value} opens no side")
    return Direction.SHORT if action is Action.SELL_TO_OPEN else Direction.LONG


def closed_side(action: Action) -> Direction:
    """The side of which a closing leg takes contracts. Raises ValueError for an opening one."""
    if action.opens:
        raise ValueError(f"{action.value} closes no side")
    return Direction.SHORT if action is Action.BUY_TO_CLOSE else Direction.LONG
