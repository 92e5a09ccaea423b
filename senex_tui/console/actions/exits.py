"""Holds exits, lets them go on, and closes units of a trident: the keys X and x."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.domain.operation.amounts import dollars
from core.domain.operation.commands import CommandKind
from core.domain.operation.reasons import Refusal
from core.domain.orders.way_out import SHORT_ID
from core.domain.positions.resting import staying_words
from core.domain.positions.trident_commands import (
    CLOSE_WORD,
    UNITS,
    CloseWords,
    ExitsWord,
    ExitsWords,
    close_words,
)
from core.snapshot import Mode
from senex_tui.console.actions.exit_orders import ExitOrderActions
from senex_tui.console.actions.exit_questions import HELD, would_send_facts
from senex_tui.console.actions.permission import may_cancel_exits
from senex_tui.console.actions.questions import ANSWER_S
from senex_tui.console.screens.cancel_instead import CancelInsteadQuestion
from senex_tui.console.screens.dialogs import Facts, TypedQuestion, ValueQuestion
from senex_tui.console.screens.entries import choose
from widgets.base import format as figures
from widgets.positions import expires

if TYPE_CHECKING:
    from core.snapshot import PositionView, Snapshot
    from senex_tui.console.base import ConsoleApp
    from senex_tui.console.meant import Meant

_UNITS = ", ".join(UNITS)
_TYPED = f"walk, or a limit like 0.70; a unit before it ({_UNITS}) closes that alone"


@dataclass(frozen=True, slots=True)
class ExitActions:
    """A hold is sent at once; whether what rests is cancelled too is asked after it. That exits go on, and a close, are
    asked first."""

    app: ConsoleApp

    def switch(self) -> None:
        if self.app.is_asking:
            return
        exits = self.app.client.snapshot().status.exits
        if exits is None or exits.word != HELD:
            self.app.send(CommandKind.EXITS, note=ExitsWords(ExitsWord.HOLD).note())
            ExitOrderActions(self.app).offer_cancel()
            return
        snapshot = self.app.client.snapshot
        question = CancelInsteadQuestion(
            "Exits go on",
            lambda: resume_facts(snapshot()),
            "Let exits go on?",
            lambda: may_cancel_exits(snapshot()),
            cancels="cancel what rests",
        )

        def answered(yes: bool | None) -> None:
            if yes:
                self.app.send(CommandKind.EXITS, note=ExitsWords(ExitsWord.ON).note())
            elif question.cancels_first:
                ExitOrderActions(self.app).offer_cancel()

        self.app.push_screen(question, answered)

    def close(self, meant: Meant) -> None:
        """Asks how to close the trident that is meant, and no other. Of several it asks first which."""
        if self.app.is_asking:
            return
        if meant.unclear:
            self.app.say(f"Close which trident? {meant.unclear}", "warning")
            return
        every = closable(self.app.client.snapshot())
        found = tuple(view for view in every if meant.has_trident(view))
        choose(self.app, "Close which trident?", found, what, self._ask_words)
        if not found:
            others = ", ".join(f"{_name(view)} of {view.account}" for view in every[:3])
            choice = f"; choose {others}" if others else ""
            which = f"None of {meant.account}" if meant.account else "Not the chosen one"
            self.app.say(f"Close which trident? {which}, of which no unit can be closed{choice}", "warning")

    def _ask_words(self, view: PositionView) -> None:
        self._ask_value(
            f"Close {_name(view)}",
            lambda: close_facts(self._now(view)),
            f"Type {_TYPED}.",
            wrong_words,
            lambda text: self._asked(view, _words(text)),
        )

    def _ask_value(
        self,
        title: str,
        facts: Facts,
        prompt: str,
        wrong: Callable[[str], str],
        then: Callable[[str], None],
    ) -> None:
        """Asks for a value. What follows begins once the question is closed: it may ask again."""
        given: list[str] = []
        question = ValueQuestion(title, facts, prompt, wrong, given.append, expires_s=ANSWER_S)
        self.app.push_screen(question, lambda _: then(given[0]) if given else None)

    def _asked(self, view: PositionView, words: CloseWords | Refusal) -> None:
        if isinstance(words, Refusal):
            return

        def send() -> object:
            return self.app.send(CommandKind.CLOSE, target=view.entry_id, note=words.note())

        if self.app.client.snapshot().status.mode is not Mode.LIVE:
            send()
            return
        how = "by a walk" if words.limit is None else f"at most at {figures.price(words.limit)}"
        prompt = f"Type {CLOSE_WORD} and press Enter to close {words.unit} {how}."
        title = f"Close {_name(view)}"

        def facts() -> list[tuple[str, str]]:
            return close_facts(self._now(view))

        self.app.ask(TypedQuestion(title, facts, prompt, CLOSE_WORD, expires_s=ANSWER_S), send)

    def _now(self, view: PositionView) -> PositionView:
        open_now = self.app.client.snapshot().positions.open
        return next((one for one in open_now if one.entry_id == view.entry_id), view)


def closable(snapshot: Snapshot) -> tuple[PositionView, ...]:
    """The tridents of which units can be closed, the newest first."""
    found = (view for view in snapshot.positions.open if view.exits is not None and view.exits.legs)
    return tuple(sorted(found, key=lambda view: view.newest_first))


def what(view: PositionView) -> str:
    """An open trident in a line: its id as the page of tridents has it, what it is of, when it expires, its account."""
    return f"{view.entry_id[:SHORT_ID]}  {_name(view)}  {expires(view)}  {view.account}"


def wrong_words(text: str) -> str:
    """Why what was typed asks for no close; empty when it does."""
    return f"type {_TYPED}; {text} was typed" if isinstance(_words(text), Refusal) else ""


def close_facts(view: PositionView) -> list[tuple[str, str]]:
    """Which trident it is, what is left of it, what it costs to close, and what is cancelled first."""
    exits = view.exits
    which = ("trident", f"{view.account}  expires {expires(view)}  id {view.entry_id[:SHORT_ID]}")
    if exits is None:
        return [which, ("", "It is not held any more.")]
    resting = f"orders {', '.join(exits.resting)}" if exits.resting else "nothing"
    return [
        which,
        *((unit.name, unit.told) for unit in exits.units),
        ("legs", exits.legs),
        ("mid", f"{figures.price(exits.close_mid)}  {figures.signed_money(exits.unrealized_mid)} $ before fees"),
        (
            "natural",
            f"{figures.price(exits.close_natural)}  {figures.signed_money(exits.unrealized_natural)} $ before fees",
        ),
        ("fees", f"about {dollars(exits.close_fees)} for all that is left"),
        ("cancelled", f"{resting}, of the units that are closed, first"),
        ("", "A limit works for this session; a walk goes from the mid towards natural."),
    ]


def resume_facts(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Who holds exits, and what rests at the broker."""
    exits = snapshot.status.exits
    if exits is None:
        return [("", "No trident is held.")]
    rests = staying_words(exits.rests)
    would = would_send_facts(snapshot)
    return [
        ("", f"Exits are held {exits.why}.".replace(" .", ".")),
        *([("", f"{rests}.")] if rests else []),
        *([("", "What comes at once when they go on:"), *would] if would else []),
    ]


def _words(text: str) -> CloseWords | Refusal:
    *unit, how = text.split() or [""]
    told = "walk" if how == "walk" else f"limit={how}"
    return close_words(" ".join([f"unit={' '.join(unit) or 'all'}", told]))


def _name(view: PositionView) -> str:
    return f"{view.underlying} {view.strikes}"
