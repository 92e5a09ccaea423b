"""The table of keys. Bindings, footer, help, command palette and key settings are all made from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache

from textual.binding import Binding

from widgets.base.key_names import action_with, has_key, is_mapped, key_for
from widgets.panels import TABS


class Where(StrEnum):
    """Where a key works. A screen names the places whose keys work on it in `PLACES`."""

    EVERYWHERE = "everywhere"
    DASHBOARD = "dashboard"
    PAGES = "pages"
    LISTS = "lists"
    ALERTS = "alerts"
    ACCOUNT = "account"
    REPLAY = "replay"
    HISTORY = "history"
    STORIES = "stories"
    TRIDENTS = "tridents"
    PREVIEW = "preview"
    MONEY = "money"
    HEALTH = "health"
    OWN_DEMO = "own demo"
    """The dashboard of a demo that this console runs."""


@dataclass(frozen=True, slots=True)
class Key:
    """One row of the table: a key and what it does.

    `key` is Textual's name of the key, `shown` how help writes it where that differs. `action` is Textual's action.
    `label` is the word in the footer and the palette, `help` the sentence in help. `footer` and `palette` say whether
    the key is listed there; a `priority` key works even while a field takes what is typed. `called` is the action's
    name in the settings, where it does not follow from `action`; rows with one name have one key. `also` has other
    words by which the palette finds it.
    """

    key: str
    action: str
    label: str
    help: str
    group: str
    shown: str = ""
    footer: bool = False
    palette: bool = True
    priority: bool = False
    where: Where = Where.EVERYWHERE
    called: str = ""
    also: str = ""

    @property
    def verb(self) -> str:
        """The action without its arguments and without whose it is."""
        return self.action.removeprefix("app.").partition("(")[0]

    @property
    def name(self) -> str:
        """The action's name in the settings.

        `pause`; `positions` for open('positions'); `panel_orders` for show_panel('orders'); `step_60` for step(60) and
        `step_back_60` for step(-60).
        """
        return self.called or _name_of(self.action)

    @property
    def in_footer(self) -> bool:
        """Whether the footer has it: every page is named there."""
        return self.footer or self.group == PAGES

    @property
    def shipped(self) -> str:
        """The key as shipped, as help writes it."""
        return self.shown or self.key

    @property
    def display(self) -> str:
        """The key as the operator has mapped it, as help writes it."""
        return key_for(self.name, self.shipped)


@cache  # every key press, footer and palette asks for the names of the whole table
def _name_of(action: str) -> str:
    """The name that follows from Textual's action."""
    verb, _, about = action.removeprefix("app.").partition("(")
    target = about.strip("')")
    if verb == GO_TO:
        return f"panel_{target}"
    number = target.lstrip("-")
    if not number.isdigit():
        return target or verb
    parts = (verb, "back" if target != number else "", "" if number == "1" else number)
    return "_".join(part for part in parts if part)


GO_TO = "show_panel"
AUTOMATION, EXITS, PAGES, PANELS = "Automation", "Exits", "Pages", "Panels"
COMMANDING = frozenset({AUTOMATION, EXITS})
"""The groups of keys that command the engine."""
LISTS, STORIES, REPLAY, DEMO, PROGRAM = "Lists", "Stories", "Replay", "Demo", "Program"

KEYS: tuple[Key, ...] = (
    Key("p", "pause", "Pause", "pause automation at once: no new entries", AUTOMATION, footer=True,
        also="stop halt kill off panic automation"),
    Key("p", "resume", "Resume", "resume automation when it is paused; asks first", AUTOMATION, footer=True,
        called="pause", also="start go continue unpause on automation"),
    Key("p", "end_halt", "End halt", "end a halt, paused afterwards; asks for a typed word", AUTOMATION, footer=True,
        called="pause", also="reset unhalt resume start"),
    Key("f", "force", "Force", "force a cycle now; asks first", AUTOMATION, footer=True,
        also="run enter trade now buy sell open start"),
    Key(
        "c", "cancel", "Cancel", "cancel a working order, on a list the chosen one; asks", AUTOMATION,
        footer=True, also="stop withdraw take back kill",
    ),
    Key("u", "unknown", "Unknown", "decide on an order whose fate is unknown", AUTOMATION, footer=True,
        also="attest absent lost missing"),
    Key("r", "reentry", "Re-enter", "allow another entry today after a person's cancel; asks first", AUTOMATION,
        also="again retry second allow"),
    Key("R", "reconcile", "Reconcile", "compare with the broker now; entries wait for it", AUTOMATION,
        also="sync refresh check read"),
    Key("X", "exits", "Exits", "hold exits at once, offer to cancel; while held: ask to go on", EXITS,
        also="stop halt kill hold targets resume"),
    Key("x", "close_units", "Close", "close a trident or units of it, at a limit or by a walk; asks", EXITS,
        also="exit sell flatten liquidate unwind get out take profit"),
    Key("t", "open('positions')", "Tridents", "open tridents: mark, P&L, targets, next step, warnings", PAGES,
        also="positions spreads held risk profit pnl p&l loss open targets exits worth mark units dte expiration "
        "assigned"),
    Key("h", "open('history')", "History", "every cycle and its story; attempts, orders, fills, commands", PAGES,
        also="why reason log journal past cycles slots slot missed skipped failed day story search csv export "
        "attempts suggestions commands"),
    Key("o", "open('orders')", "Orders", "closing orders, entries with their fills; enter shows full details", PAGES,
        also="fills entries working trades filled closes closing targets rejected unknown"),
    Key("a", "open('alerts')", "Alerts", "alerts, and the figures of the last 20 sessions", PAGES,
        also="warnings alarms errors trouble statistics figures success rate sessions critical"),
    Key("A", "open('accounts')", "Accounts", "accounts, their settings and the logins; enter changes one", PAGES,
        also="login token width size switch off on skip today wings budget capital tolerance balance net liq "
        "buying power"),
    Key("w", "open('preview')", "Preview", "what would be sent next, as of now, and why not; sends nothing", PAGES,
        also="why what next suggestion would send dry run try strikes payoff credit wings margin buying power legs"),
    Key("m", "open('money')", "Money", "what was earned: day by day, by week and month, and how it ended", PAGES,
        also="pnl p&l profit loss earned realized gain income fees win rate today day month week year statistics "
        "results csv"),
    Key("H", "open('health')", "Health", "how the trader and this machine are doing, and what to do about it", PAGES,
        also="doctor status broken connection feed redis disk mail clock check paused halted breaker network "
        "token login alerts stream"),
    Key("s", "open('settings')", "Settings", "how the console looks, and what it trades by", PAGES,
        also="options preferences config configuration theme colours colors"),
    *(
        Key(
            tab.number, f"{GO_TO}('{tab.name}')", tab.label, f"go to {tab.label.lower()}", PANELS,
            where=Where.DASHBOARD,
        )
        for tab in TABS
    ),
    Key("enter", "open_panel", "Open", "open what the focused panel shows, in full", PANELS, where=Where.DASHBOARD),
    Key("y", "copy", "Copy", "copy what the focused panel shows", PANELS, where=Where.DASHBOARD),
    Key("left_square_bracket", "trident(-1)", "Newer", "of several open tridents: the newer one", PANELS, shown="[",
        where=Where.DASHBOARD, called="newer_trident"),
    Key("right_square_bracket", "trident(1)", "Older", "of several open tridents: the older one", PANELS, shown="]",
        where=Where.DASHBOARD, called="older_trident"),
    Key("v", "picture", "Picture", "the chart's next picture: day, credit, payoff, score", PANELS,
        where=Where.DASHBOARD),
    Key("z", "zoom", "Zoom", "zoom the focused panel, and back", PANELS, footer=True, where=Where.DASHBOARD),
    Key(
        "space", "app.freeze", "Freeze", "freeze the view to read it; trading goes on", PANELS, footer=True,
        where=Where.DASHBOARD, also="hold still stop",
    ),
    Key("enter", "open", "Open", "open the chosen row", LISTS, footer=True, palette=False, where=Where.LISTS),
    Key(
        "space", "acknowledge", "Seen", "mark the chosen alert as seen", LISTS, footer=True,
        where=Where.ALERTS,
    ),
    Key(
        "d", "default", "Default", "give an account's chosen setting the value of the settings file again", LISTS,
        footer=True, where=Where.ACCOUNT,
    ),
    Key(
        "slash", "filter", "Filter", "show only rows with these words; !word leaves rows out", LISTS, shown="/",
        footer=True, where=Where.LISTS,
    ),
    Key("n", "next", "Next", "next row", LISTS, palette=False, where=Where.LISTS),
    Key("N", "previous", "Previous", "previous row", LISTS, palette=False, where=Where.LISTS),
    Key("y", "copy", "Copy", "copy the chosen row", LISTS, footer=True, where=Where.LISTS),
    Key("e", "export", "Export", "export the rows as a CSV file", LISTS, footer=True, where=Where.LISTS),
    Key("tab", "kind(1)", "Kind", "cycles, attempts, suggestions, orders, fills, commands, exits, tridents", LISTS,
        footer=True, palette=False, where=Where.HISTORY),
    Key("shift+tab", "kind(-1)", "Kind", "the kind before", LISTS, palette=False, where=Where.HISTORY),
    Key("left_square_bracket", "account(-1)", "Account", "on the money page: the account before", LISTS, shown="[",
        palette=False, where=Where.MONEY),
    Key("right_square_bracket", "account(1)", "Account", "on the money page: the next account, or all together", LISTS,
        shown="]", footer=True, palette=False, where=Where.MONEY),
    Key("tab", "part(1)", "Part", "on the money page: earned, weeks, months, how they ended", LISTS, footer=True,
        palette=False, where=Where.MONEY),
    Key("shift+tab", "part(-1)", "Part", "on the money page: the part before", LISTS, palette=False, where=Where.MONEY),
    Key("y", "copy", "Copy", "copy the part of the money page in sight", LISTS, footer=True, where=Where.MONEY),
    Key("e", "export", "Export", "export what each closed unit earned as a CSV file", LISTS, footer=True,
        where=Where.MONEY),
    Key("enter", "look_again", "Look", "on the health page: check this machine again now", LISTS, footer=True,
        palette=False, where=Where.HEALTH),
    Key("y", "copy", "Copy", "copy all rows of health", LISTS, footer=True, where=Where.HEALTH),
    Key("enter", "story", "Story", "the story of a trident, from its entry to what it earned", STORIES, footer=True,
        palette=False, where=Where.TRIDENTS),
    Key("v", "picture", "Payoff", "what all tridents of an underlying bring at expiry, or the chosen one again", LISTS,
        footer=True, palette=False, where=Where.TRIDENTS),
    Key("space", "again", "Again", "on the preview: ask again, as of now", LISTS, footer=True, where=Where.PREVIEW),
    Key("y", "copy", "Copy", "copy the preview", LISTS, footer=True, where=Where.PREVIEW),
    Key("n", "next_section(1)", "Next", "next section", STORIES, footer=True, palette=False, where=Where.STORIES),
    Key("slash", "search", "Search", "find words; next and previous go from place to place", STORIES, shown="/",
        footer=True, where=Where.STORIES),
    Key("N", "next_section(-1)", "Previous", "section before", STORIES, palette=False, where=Where.STORIES),
    Key("enter", "fold", "Fold", "fold the section, or open it", STORIES, footer=True, palette=False,
        where=Where.STORIES),
    Key("y", "copy", "Copy", "copy the story", STORIES, footer=True, where=Where.STORIES),
    Key("e", "export", "Export", "export the story as a text file", STORIES, footer=True, where=Where.STORIES),
    *(
        Key(key, f"app.{action}", label, f"in a replay: {sentence}", REPLAY, shown, footer, where=Where.REPLAY)
        for key, action, label, sentence, shown, footer in (
            ("left", "step(-60)", "-1 min", "a minute back", "", True),
            ("right", "step(60)", "+1 min", "a minute on", "", True),
            ("shift+left", "step(-900)", "-15 min", "15 minutes back", "", False),
            ("shift+right", "step(900)", "+15 min", "15 minutes on", "", False),
            ("n", "cycle(1)", "Next cycle", "to the start of the next cycle", "", True),
            ("b", "cycle(-1)", "Cycle back", "to the start of the cycle before", "", False),
            ("greater_than_sign", "highlight(1)", "Next trade", "to the next fill or exit", ">", True),
            ("less_than_sign", "highlight(-1)", "Trade back", "to the fill or exit before", "<", False),
            ("full_stop", "frame(1)", "Frame on", "one recorded moment on, and hold", ".", False),
            ("comma", "frame(-1)", "Frame back", "one recorded moment back, and hold", ",", False),
            ("plus", "faster(1)", "Faster", "faster", "+", False),
            ("minus", "faster(-1)", "Slower", "slower", "-", False),
            ("0", "to_start", "Start", "to the start of the day", "", False),
            ("dollar_sign", "to_end", "End", "to its end", "$", False),
        )
    ),
    Key("J", "app.jump", "Jump", "in a demo: live on to the next session or expiration; asks first", DEMO,
        where=Where.OWN_DEMO),
    Key("question_mark", "help", "Help", "these keys, signs and states", PROGRAM, shown="?", footer=True,
        also="keys shortcuts how manual"),
    Key("colon", "command_palette", "Menu", "find a command by its name, or by what you would call it", PROGRAM,
        shown=":", footer=True, palette=False, called="menu"),
    Key("ctrl+p", "command_palette", "Menu", "the same, also while you type", PROGRAM, palette=False, priority=True),
    Key("q", "back", "Back", "back to where you came from", PROGRAM, footer=True, palette=False, where=Where.PAGES),
    Key(
        "q", "app.ask_quit", "Quit", "quit; asks, and says what stops", PROGRAM, footer=True, where=Where.DASHBOARD,
        called="quit", also="exit stop end leave close bye kill",
    ),
    Key("ctrl+q", "ask_quit", "Quit", "quit from anywhere, as on the dashboard", PROGRAM, palette=False,
        priority=True),
    Key(
        "ctrl+c", "interrupt", "Quit", "the same; pressed again at the question, it quits", PROGRAM, palette=False,
        priority=True,
    ),
    Key("ctrl+g", "close", "Close", "close a question, help or the palette", PROGRAM, palette=False, priority=True),
)  # fmt: skip

_BY_NAME = {key.name: key for key in reversed(KEYS)}

BUILT_IN: tuple[tuple[str, str, str], ...] = (
    ("tab, shift+tab", "next or previous panel", PANELS),
    ("up down, j k", "scroll the focused panel, or choose a row", PANELS),
    ("pgup pgdn, g G", "by pages, to the start, to the end", PANELS),
    ("space", "in a replay: hold it, or let it go on", REPLAY),
    ("┴ F X ▶", "its timeline: a cycle, a fill, an exit, where you are; a click goes there", REPLAY),
)
"""Keys that panels and Textual bind by themselves, for help: (keys, sentence, group)."""

SIGNS: tuple[tuple[str, str], ...] = (
    ("●", "on"),
    ("■", "paused or stopped"),
    ("○", "waiting"),
    ("✓", "done"),
    ("▶", "now"),
    ("·", "to come"),
    ("-", "skipped, held or missed"),
    ("?", "unknown"),
    ("✖", "failed or critical"),
    ("▲", "up, or a warning"),
    ("▼", "down"),
)

STATES: tuple[tuple[str, str], ...] = (
    ("live / quiet / STALE", "a quote: fresh / 10 s without an event / 30 s, or the feed is not live"),
    ("PASS / RETRY / REFUSED", "an attempt: priced / tried again / not in this cycle"),
    ("FILLED / WORKING / PARTLY", "an order: done / resting at the broker / filled in part, the rest works"),
    ("REJECTED / CANCELLED / EXPIRED", "an order that ended: refused by the broker / taken back / over with its day"),
    ("UNKNOWN / ABSENT", "an order of which only the broker knows; nothing is sent again / proved not to be there"),
    ("SKIPPED / FAILED", "a cycle that sent no order: a rule said no / something went wrong"),
    ("HELD / MISSED / will miss", "a slot: the day's entry stands / it did not run / it will not, as things are"),
    ("PAUSED / HALTED", "no entries: the operator's choice / until a cause is resolved"),
    ("STOPPED", "no entries for one account or login; the line says why and what ends it"),
    ("RECONCILING", "no entries until the broker was read whole; it ends by itself"),
)


def with_keys(sentence: str) -> str:
    """The sentence with the operator's key in place of each `{action}`."""
    return re.sub(
        r"\{(\w+)\}", lambda found: _BY_NAME[found[1]].display if found[1] in _BY_NAME else found[0], sentence
    )


def bindings(where: Where) -> list[Binding]:
    """Textual's bindings of the keys of one place. None has ctrl+b or ctrl+a: tmux and screen keep those."""
    return [
        Binding(k.key, k.action, k.label, show=k.in_footer, priority=k.priority, tooltip=k.help, id=k.name)
        for k in KEYS
        if k.where is where
    ]


_SHARE = frozenset({"open", "story"})
"""Actions that may have one key: on the page of the tridents both open the chosen row."""


def clash(one: str, other: str) -> bool:
    """Whether two actions of one place cannot have one key."""
    return one != other and {one, other} != _SHARE


@lru_cache
def in_order(*places: Where) -> tuple[Key, ...]:
    """The keys of the places, in the order in which Textual looks for the one that was pressed: of two actions with one
    key the first has it.

    A page's own come before those of everywhere, and one that ships with the key of its list takes that one's place.
    """
    of_screen: dict[str, Key] = {}
    for place in places:
        of_screen |= {key.key: key for key in KEYS if key.where is place and place is not Where.EVERYWHERE}
    everywhere = [key for key in KEYS if key.where is Where.EVERYWHERE and Where.EVERYWHERE in places]
    return tuple(sorted([*of_screen.values(), *everywhere], key=lambda key: not key.priority))


def help_groups(*places: Where) -> list[tuple[str, list[tuple[str, str]]]]:
    """The contents of help: (group, [(keys, sentence)]) in the order of the table, then the signs and the states.

    Only the keys of `places` are listed; without any, all are. An action without a key says which one took it.
    """
    groups: dict[str, list[tuple[str, str]]] = {}
    panels = [key.display for key in KEYS if key.action.startswith(GO_TO)]
    as_shipped = panels == [tab.number for tab in TABS]
    numbers = f"{panels[0]}-{panels[-1]}" if as_shipped else " ".join(panels)
    for key in KEYS:
        if places and key not in in_order(*places):
            continue
        rows = groups.setdefault(key.group, [])
        if not key.action.startswith(GO_TO):
            rows.append(_row(key, places))
        elif not rows:
            rows.append((numbers, "go to a numbered panel"))
    lost = [key for key in KEYS if key.action.startswith(GO_TO) and not has_key(key.name)]
    if PANELS in groups and lost:
        groups[PANELS] += [(key.display, f"{key.help} ({_taken(key)})") for key in lost]
    for keys, sentence, group in BUILT_IN:
        if group in groups:
            groups[group].append((keys, sentence))
    return [*groups.items(), ("Signs", list(SIGNS)), ("States", list(STATES))]


def _row(key: Key, places: tuple[Where, ...]) -> tuple[str, str]:
    """An action in help: its key and its sentence. Without a key here it is called by its name in the palette."""
    if not has_key(key.name):
        return key.display, f"{key.help} ({_taken(key)})"
    if is_mapped(key.name):
        first = next((one for one in in_order(*places) if is_mapped(one.name) and one.display == key.display), key)
        if clash(first.name, key.name):
            return f":{key.name}", f"{key.help} (no key here: {key.display} is yours for {first.name})"
    return key.display, key.help


def _taken(key: Key) -> str:
    """Which of the operator's keys took the one that this action ships with."""
    return f"no key: {key.shipped} is yours for {action_with(key.shipped)}"
