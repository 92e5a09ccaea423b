"""The panel of the changes of one account's settings: when, which, from what to what, by whom; newest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.domain.operation.times import minute_stamp
from widgets.base.lines import Drawing, Line, Tone, fit, safe, wrap
from widgets.base.panel import LinePanel

if TYPE_CHECKING:
    from core.snapshot import ChangeView

_SETTING = 16


@dataclass(frozen=True, slots=True)
class AccountChanges:
    """The changes, or in `trouble` why they could not be read."""

    changes: tuple[ChangeView, ...] = ()
    trouble: str = ""


class ChangesPanel(LinePanel["AccountChanges"]):
    NAME = "Changes"
    PLACEHOLDER = "reading the records…"

    def draw(self, value: AccountChanges, width: int, height: int) -> Drawing:
        if value.trouble:
            text = f"not read from the records: {value.trouble}"
            return Drawing(self.NAME, tuple(((row, Tone.WARN),) for row in wrap(text, width)))
        if not value.changes:
            return Drawing(self.NAME, ((("no setting of this account was ever changed", Tone.DIM),),))
        lines = tuple(line for change in value.changes for line in _change(change, width))
        return Drawing(f"{self.NAME}  {len(value.changes)}", lines)


def _change(change: ChangeView, width: int) -> list[Line]:
    at = f"{minute_stamp(change.at)}  "
    setting = f"{fit(change.setting, _SETTING)}  "
    room = max(10, width - len(at) - len(setting))
    first, *rest = wrap(safe(f"{change.old} -> {change.new}  by {change.who}"), room)
    indent = " " * (len(at) + len(setting))
    return [
        ((at, Tone.DIM), (setting, Tone.PLAIN), (first, Tone.STRONG)),
        *(((indent + row, Tone.PLAIN),) for row in rest),
    ]
