"""Textual keeps whoever watched an attribute until that attribute changes next; for some that is never."""

from __future__ import annotations

from textual.dom import DOMNode


def forget_closed(watched: DOMNode) -> None:
    """Lets go of the widgets and screens that watched this one and have been closed since."""
    for watchers in getattr(watched, "__watchers", {}).values():
        watchers[:] = [(watcher, told) for watcher, told in watchers if not watcher._closing]
