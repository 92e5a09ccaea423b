"""The one table of keys: bindings, footer, help and palette are all made from it."""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding

from widgets.tabs import LOWER_PANELS


@dataclass(frozen=True, slots=True)
class Key:
    """One key. `label` is the footer's word, `help` the sentence, `shown` how help writes the key."""

    key: str
    action: str
    label: str
    help: str
    group: str
    shown: str = ""
    footer: bool = False
    palette: bool = True
    priority: bool = False

    @property
    def display(self) -> str:
        return self.shown or self.key


GO_TO = "show_panel"
AUTOMATION, PANELS, VIEW, PROGRAM = "Automation", "Panels", "View", "Program"

KEYS: tuple[Key, ...] = (
    Key("p", "pause", "Pause", "pause automation at once: no new entries", AUTOMATION, footer=True),
    Key("p", "resume", "Resume", "resume automation when it is paused; asks first", AUTOMATION, footer=True),
    Key("f", "force", "Force", "force a cycle now; asks first", AUTOMATION, footer=True),
    Key("c", "cancel", "Cancel", "cancel the working entry; asks first", AUTOMATION, footer=True),
    Key("u", "unknown", "Unknown", "decide on an entry whose fate is unknown", AUTOMATION, footer=True),
    Key("a", "reentry", "Re-enter", "allow another entry today after your cancel; asks first", AUTOMATION),
    Key("R", "reconcile", "Reconcile", "compare with the broker now; entries wait for it", AUTOMATION),
    *(
        Key(number, f"{GO_TO}('{name}')", label, f"go to {label.lower()}", PANELS)
        for number, label, name in LOWER_PANELS
    ),
    Key("o", "positions", "Positions", "open tridents: mark, P&L, break-evens, warnings", PANELS),
    Key("i", "figures", "Figures", "figures of the last 20 sessions, and the open alerts", PANELS),
    Key("v", "picture", "Picture", "the chart's next picture: day, credit, payoff, score", PANELS),
    Key("z", "zoom", "Zoom", "zoom the focused panel, and back", PANELS, footer=True),
    Key("space", "freeze", "Freeze", "freeze the view to read it; trading goes on", VIEW, footer=True),
    Key("question_mark", "help", "Help", "these keys, signs and states", PROGRAM, shown="?", footer=True),
    Key(
        "ctrl+p", "command_palette", "Menu", "find a command by name", PROGRAM, footer=True, palette=False,
        priority=True,
    ),
    Key("q", "ask_quit", "Quit", "quit; asks, and says what stops", PROGRAM, footer=True),
    Key("ctrl+q", "ask_quit", "Quit", "the same as q, from anywhere", PROGRAM, palette=False, priority=True),
    Key(
        "ctrl+c", "interrupt", "Quit", "the same; pressed again at the question, it quits", PROGRAM, palette=False,
        priority=True,
    ),
    Key("ctrl+g", "close", "Close", "close a question, help or the palette", PROGRAM, palette=False, priority=True),
)  # fmt: skip

BUILT_IN: tuple[tuple[str, str, str], ...] = (
    ("tab, shift+tab", "next or previous panel", PANELS),
    ("up down, j k", "scroll the focused panel", PANELS),
    ("pgup pgdn, g G", "by pages, to the start, to the end", PANELS),
)
"""Keys that panels and Textual bind themselves, for the help screen: keys, sentence, group."""

SIGNS: tuple[tuple[str, str], ...] = (
    ("●", "on"),
    ("■", "paused or stopped"),
    ("○", "waiting"),
    ("✓", "done"),
    ("▶", "now"),
    ("·", "to come"),
    ("-", "skipped or missed"),
    ("✖", "failed or critical"),
    ("▲", "up, or a warning"),
    ("▼", "down"),
)

STATES: tuple[tuple[str, str], ...] = (
    ("live / quiet / STALE", "a quote: fresh / 10 s without an event / 30 s, or the feed is not live"),
    ("PASS / RETRY / REFUSED", "an attempt: priced / tried again / not in this cycle"),
    ("succeeded / skipped / failed", "a cycle: acknowledged by the broker / a rule said no / went wrong"),
    ("UNKNOWN", "an order whose fate only the broker knows; nothing is sent again; u decides"),
    ("WORKING / FILLED", "an order resting at the broker / done"),
    ("PAUSED / HALTED", "no entries: the operator's choice / until a cause is resolved"),
    ("STOPPED", "no entries for one account or login; the line says why and what ends it"),
    ("RECONCILING", "no entries until the broker was read whole; it ends by itself"),
)


def bindings() -> list[Binding]:
    """Textual's bindings of the table. ctrl+b and ctrl+a stay free: they are the prefixes of tmux and screen."""
    return [Binding(k.key, k.action, k.label, show=k.footer, priority=k.priority, tooltip=k.help) for k in KEYS]


def help_groups() -> list[tuple[str, list[tuple[str, str]]]]:
    """(group, [(keys, sentence)]) in the order of the table, then signs and states."""
    groups: dict[str, list[tuple[str, str]]] = {}
    numbers = f"{LOWER_PANELS[0][0]}-{LOWER_PANELS[-1][0]}"
    groups[AUTOMATION] = []
    groups[PANELS] = [(numbers, "go to a numbered panel")]
    for key in KEYS:
        if not key.action.startswith(GO_TO):
            groups.setdefault(key.group, []).append((key.display, key.help))
    for keys, sentence, group in BUILT_IN:
        groups[group].append((keys, sentence))
    return [*groups.items(), ("Signs", list(SIGNS)), ("States", list(STATES))]
