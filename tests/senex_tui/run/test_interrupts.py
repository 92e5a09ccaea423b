"""ctrl+c between two consoles of a demo: real signals to this process."""

from __future__ import annotations

import os
import signal

import pytest

from senex_tui.run.interrupts import HeldInterrupts


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(1000):  # the handler runs between two bytecodes
        pass


def test_held_back_it_ends_nothing_and_gives_up_what_may_be_given_up() -> None:
    with HeldInterrupts() as held:
        held.hold()
        interrupt()
        began = False
        with pytest.raises(KeyboardInterrupt), held.passing():
            began = True
        assert not began
        with held.passing():
            began = True
        assert began, "one that was told is not told again"


def test_it_gives_up_what_is_under_way_and_nothing_after_it() -> None:
    with HeldInterrupts() as held:
        held.hold()
        with pytest.raises(KeyboardInterrupt), held.passing():
            interrupt()
        interrupt()


def test_before_and_after_it_is_as_ever() -> None:
    before = signal.getsignal(signal.SIGINT)
    with HeldInterrupts() as held:
        with pytest.raises(KeyboardInterrupt):
            interrupt()
        held.hold()
        held.hold()
        interrupt()
    assert signal.getsignal(signal.SIGINT) is before
