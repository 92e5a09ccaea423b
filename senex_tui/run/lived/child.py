"""Lives days as a child process, with `python -m senex_tui.run.lived.child JSON`: the fields of a LivedOrder.

A line of JSON on standard output says each day, and a last one the end. The process ends when its standard input does,
and so with the one that started it. A failure that a user can mend is said on standard error, with exit code 2.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from pathlib import Path
from typing import Any

import msgspec

from core.runtime.gc import tune_gc
from core.simulator.exchange.saved import StateRefused
from senex_tui.run.lived.engine import live
from senex_tui.run.lived.order import Lived, LivedDay, LivedOrder
from senex_tui.support.outlet import print_line
from senex_tui.support.refusals import REFUSED_TO_START, sentences_for

GIVEN_UP = 130


def main() -> int:
    """Returns the exit code."""
    logging.basicConfig(handlers=[logging.NullHandler()])  # what engines log of each day is in the journal too
    order = msgspec.json.decode(sys.argv[1], type=LivedOrder, dec_hook=_path)
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    tune_gc()
    try:
        lived = live(order, _say)
    except StateRefused as refused:
        print_line(f"the state of the simulated broker {refused}", error=True)
        return REFUSED_TO_START
    except Exception as failure:
        sentences = sentences_for(failure)
        if not sentences:
            raise
        print_line(sentences[0], error=True)
        return REFUSED_TO_START
    _say(lived)
    return 0


def _say(told: LivedDay | Lived) -> None:
    print_line(msgspec.json.encode(told).decode())


def _path(kind: type, text: Any) -> object:
    if kind is not Path:
        raise NotImplementedError(f"{kind.__name__} is no part of an order")
    return Path(text)


def _end_with_stdin() -> None:
    """Ends the process when nobody holds its standard input any more: virtual time serves no pipe."""
    while os.read(0, 4096):
        pass
    os._exit(GIVEN_UP)


if __name__ == "__main__":
    sys.exit(main())
