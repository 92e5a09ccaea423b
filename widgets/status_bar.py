"""The status bar: mode, automation, feed, broker, records, next slot and exchange time, always in sight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.style import Style

from core.snapshot import Automation, EngineState, Health, Mode, Watching
from widgets.base import format as figures
from widgets.base.lines import Drawing, Line, Tone, beside, width_of
from widgets.base.panel import LinePanel

if TYPE_CHECKING:
    from core.domain.operation.commands import CommandKind
    from core.snapshot import PartHealth, StatusSlice

PENDING_WORDS = {
    "pause": "PAUSING…",
    "resume": "RESUMING…",
    "force": "FORCING…",
    "halt": "HALTING…",
    "reset": "RESETTING…",
    "cancel": "CANCELLING…",
    "reconcile": "RECONCILING…",
    "attest": "ATTESTING…",
    "acknowledge": "ACKNOWLEDGING…",
    "allow-reentry": "ALLOWING RE-ENTRY…",
    "set_account": "SETTING…",
}
"""The words for a command on its way; one that is not listed here is shown by its own name."""
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


_ON_RED = {
    Tone.MODE: Style(bold=True, reverse=True),
    Tone.STRONG: Style(bold=True),
    Tone.GOOD: Style(bold=True),
    Tone.WARN: Style(bold=True, underline=True),
    Tone.BAD: Style(bold=True, reverse=True),
}
_CLOCK_FROM = 78
"""Below this width the clock is left out first, so that mode, automation, feed and the next slot stay."""
_CHIP = {Mode.DRY_RUN: Tone.ACCENT, Mode.SANDBOX: Tone.WARN}


@dataclass(frozen=True, slots=True)
class StatusView:
    """The status of the snapshot with what this console adds.

    `pending` has its commands that the engine has not settled yet, oldest first.
    """

    status: StatusSlice
    pending: tuple[CommandKind, ...] = ()
    read_only: bool = False


class StatusBar(LinePanel["StatusView"], can_focus=False):
    """One row. In a narrow terminal less important parts are left out; mode, read-only and automation never are."""

    NAME = "status"
    _mode: Mode = Mode.DEMO
    DEFAULT_CSS = """
    StatusBar {
        height: 1;
        padding: 0 1;
        background: $panel;
    }
    StatusBar.-live { background: $error; color: $background; }
    StatusBar.-live:ansi { background: ansi_red; color: ansi_bright_white; }
    """

    def show(self, value: StatusView | None) -> None:
        if value is not None:
            self._mode = value.status.mode
            self.set_class(self._mode is Mode.LIVE, "-live")
        super().show(value)

    def tone_style(self, tone: Tone) -> Style:
        """The bar of live is red, where no colour is readable: words are bold or plain there.

        In other modes the mode's own word has a colour.
        """
        if self._mode is Mode.LIVE:
            return _ON_RED.get(tone, Style())
        if tone is Tone.MODE:
            return super().tone_style(tone) + super().tone_style(_CHIP.get(self._mode, Tone.PLAIN)) + Style(bold=True)
        return super().tone_style(tone)

    def draw(self, value: StatusView, width: int, height: int) -> Drawing:
        for level in range(7 if width < _CLOCK_FROM else 5):
            left, far = _left(value, level), _far(value, level)
            if width_of(left) + width_of(far) < width:
                break
        return Drawing("", (beside(left, far, width),))


def automation_word(value: StatusView) -> tuple[str, Tone]:
    """The word for what the engine does about entries: its own trouble, else a command on its way, else the
    automation."""
    status = value.status
    if status.engine in _ENGINE:
        return _ENGINE[status.engine]
    if value.pending:
        newest = value.pending[-1]
        return PENDING_WORDS.get(newest, f"{newest.value.upper()}…"), Tone.WARN
    return _AUTOMATION[status.automation]


def pane_title(value: StatusView) -> str:
    """The terminal's title in ASCII, with mode and state: `senex DEMO ON 13:19`, `senex LIVE HALTED`."""
    status = value.status
    word = automation_word(value)[0].lstrip("●■✖○ ").replace("…", "...")
    watching = "" if status.watching is Watching.NONE else "WATCHING "
    title = f"senex {status.mode.upper()} {watching}{word}"
    if status.automation is Automation.ACTIVE and status.engine is EngineState.RUNNING and status.next_slot:
        title += f" {figures.until(status.next_slot, status.now)}"
    return title


def _left(value: StatusView, level: int) -> Line:
    status = value.status
    fast = figures.speed(status.speed)
    mode = status.mode.upper() + (f" {fast}" if fast else "")
    parts: list[tuple[str, Tone]] = [("SENEX ", Tone.PLAIN)] if level < 2 else []
    parts += [(f" {mode} ", Tone.MODE), (" ", Tone.PLAIN)]
    if value.read_only:
        parts.append(("READ-ONLY ", Tone.STRONG))
    parts.append(automation_word(value))
    if status.watching is not Watching.NONE:
        word = status.watching.value if level < 1 else Watching.READ_ONLY.value
        parts.append((f"  {word.upper()}", Tone.ACCENT))
    if status.open_alerts:
        word = "" if level >= 3 else " alert" if status.open_alerts == 1 else " alerts"
        parts.append((f"  ▲ {status.open_alerts}{word}", Tone.WARN))
    if level == 0 and status.automation_detail:
        parts.append((f" {status.automation_detail}", Tone.DIM))
    feed_age = "" if status.feed_age_s is None else f" {figures.age(status.feed_age_s)}"
    named = [("feed", status.feed, feed_age), ("broker", status.broker, ""), ("records", status.records, "")]
    if status.mail is not None and (level < 2 or status.mail.health is not Health.OK):
        named.append(("mail", status.mail, ""))
    if status.redis is not None and (level < 2 or status.redis.health is not Health.OK):
        named.append(("redis", status.redis, ""))
    if level >= 3:
        named = [(name, health, "") for name, health, _ in named if health.health is not Health.STARTING]
    if level >= 4:
        named = [part for part in named if part[1].health is not Health.OK]
    for name, health, extra in named:
        parts += _part(name, health, extra, level)
    if level >= 4 and len(named) < 3:
        parts += [(" rest " if named else " all ", Tone.DIM), ("ok", Tone.GOOD)]
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
    if level >= 5 and status.next_slot is not None:
        return (("next " if level == 5 else "", Tone.DIM), (due, Tone.STRONG))
    lead: Line = (("next ", Tone.DIM), (due, Tone.STRONG)) if status.next_slot is not None else (("no slot", Tone.DIM),)
    if level < 1 and status.next_slot is not None:
        lead = ((f"next slot {figures.minute(status.next_slot)} in ", Tone.DIM), (due, Tone.STRONG))
    return (*lead, (f"  {now} ET", Tone.PLAIN))
