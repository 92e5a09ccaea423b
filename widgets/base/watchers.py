"""Frees closed widgets that Textual would keep.

Textual keeps whoever watched an attribute until that attribute changes again, and some never do.
"""

from __future__ import annotations

from textual.dom import DOMNode


def forget_closed(watched: DOMNode) -> None:
    """Drops the closed widgets and screens from those that watch attributes of `watched`."""
    for watchers in getattr(watched, "__watchers", {}).values():
        watchers[:] = [(watcher, told) for watcher, told in watchers if not watcher._closing]
