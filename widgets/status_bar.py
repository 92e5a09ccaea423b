"""The status bar: mode, automation, feed, broker, records, next slot and the exchange's clock, always in sight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.snapshot import Automation, EngineState, Health
from widgets import figures
from widgets.lines import Drawing, Line, Tone, beside, width_of
from widgets.panel import LinePanel

if TYPE_CHECKING:
    from core.domain.commands import CommandKind
    from core.snapshot import PartHealth, StatusSlice

PENDING_WORDS = {"pause": "PAUSING…", "resume": "RESUMING…", "force": "FORCING…"}
_AUTOMATION = {
    Automation.ACTIVE: ("● ON", Tone.GOOD),
    Automation.PAUSED: ("■ PAUSED", Tone.WARN),
    Automation.HALTED: ("✖ HALTED", Tone.BAD),
    Automation.RECONCILING: ("○ RECONCILING", Tone.WARN),
}
_ENGINE = {
    EngineState.STARTING: ("○ STARTING", Tone.WARN),
    EngineState.STOPPING: ("○ STOPPING", Tone.WARN),
    EngineState.STOPPED: ("■ STOPPED", Tone.WARN),
    EngineState.FAILED: ("✖ ENGINE FAILED", Tone.BAD),
}
_HEALTH = {
    Health.STARTING: ("starting", Tone.DIM),
    Health.OK: ("ok", Tone.GOOD),
    Health.TROUBLE: ("TROUBLE", Tone.WARN),
    Health.DOWN: ("DOWN", Tone.BAD),
}


@dataclass(frozen=True, slots=True)
class StatusView:
    """The status slice with the commands still waiting for the engine."""

    status: StatusSlice
    pending: tuple[CommandKind, ...] = ()


class StatusBar(LinePanel["StatusView"], can_focus=False):
    """One row; when it is too narrow the least telling parts go first, mode and automation never."""

    NAME = "status"
    DEFAULT_CSS = """
    StatusBar {
        height: 1;
        padding: 0 1;
        background: $panel;
        & > .tone--mode { text-style: bold; color: $background; background: $primary; }
    }
    """

    def draw(self, value: StatusView, width: int, height: int) -> Drawing:
        for level in range(4):
            left, far = _left(value, level), _far(value, level)
            if width_of(left) + width_of(far) < width:
                break
        return Drawing("", (beside(left, far, width),))


def automation_word(value: StatusView) -> tuple[str, Tone]:
    """What the engine does about entries: a pending command's word, the engine's own trouble, or the trading state."""
    status = value.status
    if status.engine in _ENGINE:
        return _ENGINE[status.engine]
    if value.pending:
        return PENDING_WORDS[value.pending[-1]], Tone.WARN
    return _AUTOMATION[status.automation]


def _left(value: StatusView, level: int) -> Line:
    status = value.status
    fast = figures.speed(status.speed)
    mode = status.mode.upper() + (f" {fast}" if fast else "")
    parts: list[tuple[str, Tone]] = [("SENEX ", Tone.PLAIN)] if level < 2 else []
    parts += [(f" {mode} ", Tone.MODE), (" ", Tone.PLAIN), automation_word(value)]
    if level == 0 and status.automation_detail:
        parts.append((f" {status.automation_detail}", Tone.DIM))
    feed_age = "" if status.feed_age_s is None else f" {figures.age(status.feed_age_s)}"
    for name, health, extra in (
        ("feed", status.feed, feed_age),
        ("broker", status.broker, ""),
        ("records", status.records, ""),
    ):
        if level < 3 or health.health is not Health.STARTING:
            parts += _part(name, health, extra if level < 3 else "", level)
    if level < 2:
        parts += [("  market ", Tone.DIM), (status.market, Tone.PLAIN)]
    if level < 1 and status.accounts:
        parts += [("  ", Tone.PLAIN), (status.accounts, Tone.DIM)]
    return tuple(parts)


def _part(name: str, health: PartHealth, extra: str, level: int) -> Line:
    word, tone = _HEALTH[health.health]
    detail = f" {health.detail}" if health.detail and level < 1 else ""
    gap = "  " if level < 3 else " "
    return ((f"{gap}{name} ", Tone.DIM), (word + extra + detail, tone))


def _far(value: StatusView, level: int) -> Line:
    status = value.status
    now = figures.clock(status.now)
    if level < 1 and status.now is not None:
        now = f"{status.now.astimezone(figures.EXCHANGE):%a %b} {status.now.astimezone(figures.EXCHANGE).day}  {now}"
    due = figures.until(status.next_slot, status.now)
    lead: Line = (("next ", Tone.DIM), (due, Tone.STRONG)) if status.next_slot is not None else (("no slot", Tone.DIM),)
    if level < 1 and status.next_slot is not None:
        lead = ((f"next slot {figures.minute(status.next_slot)} in ", Tone.DIM), (due, Tone.STRONG))
    return (*lead, (f"  {now} ET", Tone.PLAIN))
