"""The panel of the logins: whether the broker takes each one's token, since when, and what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from widgets.account_list import token_part
from widgets.base import format as figures
from widgets.base.lines import Drawing, Line, Part, Tone, fit, flow, safe, wrap
from widgets.base.panel import LinePanel

if TYPE_CHECKING:
    from core.snapshot import LoginView

_NAME = 12


class LoginsPanel(LinePanel["tuple[LoginView, ...]"]):
    NAME = "Logins"
    PLACEHOLDER = "no login was asked yet: each one's token is checked at the start and every ten minutes"

    def draw(self, value: tuple[LoginView, ...], width: int, height: int) -> Drawing:
        if not value:
            return Drawing(self.NAME, tuple(((line, Tone.DIM),) for line in wrap(self.PLACEHOLDER, width)))
        bad = sum(not login.is_valid for login in value)
        title = f"{self.NAME}  {len(value)}" + (f", {bad} INVALID" if bad else "")
        return Drawing(title, tuple(line for login in value for line in _login(login, width)))


def _login(login: LoginView, width: int) -> list[Line]:
    word, tone = token_part(login.is_valid)
    parts: list[Part] = [
        (f"{fit(safe(login.name), _NAME)} {fit(word, 7)}", tone),
        (f"checked {figures.dated(login.checked_at)}", Tone.DIM),
        (f"so since {figures.dated(login.changed_at)} ET", Tone.DIM),
    ]
    first, *others = flow(parts, width)
    lines: list[Line] = [first, *((("  ", Tone.PLAIN), *line) for line in others)]
    detail_tone = Tone.DIM if login.is_valid else Tone.WARN
    lines += [((f"  {row}", detail_tone),) for row in wrap(safe(login.detail), width - 2) if row]
    return lines
