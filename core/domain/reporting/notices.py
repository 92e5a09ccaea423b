"""A mail: its subject, plain text and simple HTML (rules 11).

Text from outside is escaped, so it is never taken for markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from core.domain.operation.events import masked

_LABEL = 15
_LONGEST_SUBJECT = 120


@dataclass(frozen=True, slots=True)
class Letterhead:
    """The parts that all messages share: the name of the mode, and the address of the broker's orders page."""

    mode: str
    orders_url: str


@dataclass(frozen=True, slots=True)
class Notice:
    """One message. `key` names its subject, so that no message is sent twice.

    `account` is empty for a message to the operator alone. With `always` it is sent whatever the account's preference.
    """

    key: str
    kind: str
    account: str
    subject: str
    text: str
    html: str
    always: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a message: a heading, lines of text, and named figures. Each may be empty."""

    heading: str = ""
    lines: tuple[str, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()


def page(
    *,
    key: str,
    kind: str,
    account: str,
    subject: str,
    parts: Sequence[Part],
    head: Letterhead,
    link: str = "",
    always: bool = False,
) -> Notice:
    """A message of these parts, as text and as HTML.

    `link` is the text of the link to the broker's orders page, or empty.
    """
    mode = "" if head.mode == "live" else f" [{head.mode}]"
    line = " ".join(f"Senex{mode}: {subject}".split())
    if len(line) > _LONGEST_SUBJECT:
        line = line[: _LONGEST_SUBJECT - 1] + "…"
    footer = f"Mode {head.mode}: {_MODES[head.mode]}." if head.mode in _MODES else ""
    return Notice(key, kind, account, line, _text(parts, head, link, footer), _html(parts, head, link, footer), always)


_MODES = {
    "demo": "a simulated broker and market, no real money",
    "dry-run": "the broker checks each order and none is sent",
    "sandbox": "the broker's certification environment, no real money",
}


def without_number(words: str, account: str | None) -> str:
    """The words with this account's number masked."""
    return words.replace(account, masked(account)) if account else words


# Text and HTML


def _text(parts: Sequence[Part], head: Letterhead, link: str, footer: str) -> str:
    blocks: list[str] = []
    for part in parts:
        lines = [part.heading] if part.heading else []
        lines += part.lines
        lines += [f"{name + ':':<{_LABEL}}{_one_line(value)}" for name, value in part.rows]
        blocks.append("\n".join(lines))
    if link:
        blocks.append(f"{link}: {head.orders_url}")
    if footer:
        blocks.append(footer)
    return "\n\n".join(blocks) + "\n"


def _html(parts: Sequence[Part], head: Letterhead, link: str, footer: str) -> str:
    shown = ['<!DOCTYPE html><html><body style="font-family: sans-serif">']
    for part in parts:
        if part.heading:
            shown.append(f"<h3>{escape(part.heading)}</h3>")
        shown += [f"<p>{escape(line)}</p>" for line in part.lines]
        if part.rows:
            cells = "".join(
                f'<tr><td style="padding-right: 1.5em; color: #666; vertical-align: top">{escape(name)}</td>'
                f"<td>{escape(_one_line(value))}</td></tr>\n"
                for name, value in part.rows
            )
            shown.append(f"<table>\n{cells}</table>")
    if link:
        shown.append(f'<p><a href="{escape(head.orders_url)}">{escape(link)}</a></p>')
    if footer:
        shown.append(f'<p style="color: #666">{escape(footer)}</p>')
    shown.append("</body></html>")
    return "\n".join(shown) + "\n"


def _one_line(words: str) -> str:
    return " ".join(words.split())
