"""GET and POST /simulator/habits: what is not known of the real broker, and which answer this one gives.

The body of a POST names the habits that change; the answer to both has all of them. Like all control endpoints it
answers programs on this machine only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from enum import Enum
from typing import Any

from aiohttp import web

from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.habits import Habits
from core.simulator.wire.control import BodyRefused, json_object, own_programs_only
from core.simulator.wire.payloads import Json, Payload


class HabitsControl:
    """The handlers of the habits."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def add_routes(self, app: web.Application) -> None:
        """Adds the endpoint to an application."""
        app.router.add_get("/simulator/habits", own_programs_only(self._show))
        app.router.add_post("/simulator/habits", own_programs_only(self._change))

    async def _show(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"data": habits_json(self._exchange.habits)})

    async def _change(self, request: web.Request) -> web.StreamResponse:
        self._exchange.habits = changed_habits(self._exchange.habits, await json_object(request))
        return web.json_response({"data": habits_json(self._exchange.habits)})


def habits_json(habits: Habits) -> Payload:
    """The habits by name; one with several answers has the word of its answer."""
    return {_key(entry.name): _json(getattr(habits, entry.name)) for entry in fields(Habits)}


def changed_habits(habits: Habits, body: Mapping[str, Any]) -> Habits:
    """The habits with those changed that the body names. Raises BodyRefused."""
    known = {_key(entry.name): entry.name for entry in fields(Habits)}
    for key in body:
        if key not in known:
            raise BodyRefused(f"habit {key!r} is not known; use {', '.join(known)}")
    changes: dict[str, Any] = {
        known[key]: _value(key, getattr(habits, known[key]), value) for key, value in body.items()
    }
    try:
        return replace(habits, **changes)
    except ValueError as error:
        raise BodyRefused(str(error)) from error


def _key(name: str) -> str:
    return name.replace("_", "-")


def _json(value: object) -> Json:
    if isinstance(value, Enum):
        return str(value.value)
    return [float(each) for each in value] if isinstance(value, tuple) else value  # type: ignore[return-value]


def _value(key: str, current: object, value: object) -> object:
    """The value of the kind that the habit has now. Raises BodyRefused."""
    if isinstance(current, Enum):
        answers = {each.value: each for each in type(current)}
        if not isinstance(value, str) or value not in answers:
            raise BodyRefused(f"{key} {value!r} is not known; use {', '.join(answers)}")
        return answers[value]
    if isinstance(current, bool):
        if not isinstance(value, bool):
            raise BodyRefused(f"{key} {value!r} is neither true nor false")
        return value
    if isinstance(current, tuple):
        if not isinstance(value, list) or len(value) != 2 or not all(_is_number(each) for each in value):
            raise BodyRefused(f"{key} {value!r} is not a list of two numbers")
        return tuple(float(each) for each in value)
    if not _is_number(value):
        raise BodyRefused(f"{key} {value!r} is not a number")
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
