"""The side of an option that an account holds, and what a leg's action does to it."""

from __future__ import annotations

from enum import Enum

from core.domain.trident.trident import Action


class Direction(Enum):
    """The side of a position. The value is the broker's word."""

    LONG = "Long"
    SHORT = "Short"

    @property
    def other(self) -> Direction:
        return Direction.SHORT if self is Direction.LONG else Direction.LONG


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


def taken_side(action: Action) -> Direction:
    """The side of which a leg takes contracts where the account holds some, whatever it is called: an account holds a
    contract on one side alone, and the broker calls a close that would go beyond it an opening (broker 2.3)."""
    return side_of(action).other if action.opens else closed_side(action)
