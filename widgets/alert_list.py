"""The list of the alerts: the open ones first, then those closed lately, each newest first (rules 12)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from widgets.base import format as figures
from widgets.base.lines import Part, Tone, fit
from widgets.base.list_panel import Column, Listing, Row

if TYPE_CHECKING:
    from core.snapshot import AlertView

_COLUMNS = (
    Column("severity", 10),
    Column("state", 7),
    Column("since", 12),
    Column("whom", 5, least=72),
    Column("what", 0),
    Column("acknowledged by", 18, least=98),
    Column("closed", 12, least=112),
)
_EMPTY = "no alert is open and none closed lately: failures, days without a trade, slow cycles would be here"
_SEVERITY = {"critical": ("✖ critical", Tone.BAD), "warning": ("▲ warning ", Tone.WARN)}


def alert_listing(
    open_now: Sequence[AlertView], closed: Sequence[AlertView], pending: Collection[int] = (), trouble: str = ""
) -> Listing:
    """One row for each alert; of the closed ones the last closed is the newest. `pending` has the ids of those whose
    acknowledgement is on its way.

    `trouble` says why the closed ones are missing.
    """
    unseen = sum(not alert.seen_by for alert in open_now)
    title = f"Alerts  {len(open_now)} open" if open_now else "Alerts  none open"
    if open_now:
        title += f", {unseen} not acknowledged" if unseen else ", all acknowledged"
    if closed:
        title += f", {len(closed)} closed"
    if trouble:
        title += f"  closed ones not read: {trouble}"
    newest_first = sorted(open_now, key=lambda alert: (alert.since, alert.id), reverse=True)
    closed_last_first = sorted(closed, key=lambda alert: (alert.closed or alert.since, alert.id), reverse=True)
    rows = [_row(alert, alert.id in pending) for alert in (*newest_first, *closed_last_first)]
    return Listing(title, _COLUMNS, tuple(rows), _EMPTY)


def severity_part(alert: AlertView) -> Part:
    """The sign and word for an alert's severity."""
    return _SEVERITY.get(alert.severity, (fit(alert.severity, 10), Tone.PLAIN))


def _row(alert: AlertView, is_pending: bool) -> Row:
    word, tone = severity_part(alert)
    state, state_tone = _state(alert, is_pending)
    text_tone = Tone.DIM if alert.closed is not None or alert.seen_by else Tone.PLAIN
    cells: tuple[Part, ...] = (
        (word, Tone.DIM if alert.closed is not None else tone),
        (state, state_tone),
        (figures.dated(alert.since), Tone.DIM),
        (alert.whom or "all", Tone.DIM),
        (alert.text, text_tone),
        (alert.seen_by or "nobody", Tone.DIM),
        ("" if alert.closed is None else figures.dated(alert.closed), Tone.DIM),
    )
    return Row(str(alert.id), cells)


def _state(alert: AlertView, is_pending: bool) -> Part:
    if alert.closed is not None:
        return "closed", Tone.DIM
    if alert.seen_by:
        return "seen", Tone.PLAIN
    return ("sent…", Tone.WARN) if is_pending else ("NEW", Tone.STRONG)
