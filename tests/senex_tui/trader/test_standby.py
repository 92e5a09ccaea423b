"""A standby says why it waits, and does not wait for ever with nobody to say it to."""

from __future__ import annotations

import os
import sys

import pytest

from core.locks.folder_lock import LockRefused
from senex_tui.support.outlet import Outlet
from senex_tui.support.refusals import Refused
from senex_tui.trader.standby import wait_until_free


async def taken() -> None:
    raise LockRefused("another senex trades.")


def test_a_standby_whose_output_nobody_reads_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stdout", Outlet(stream))
        with pytest.raises(Refused, match="nobody reads the output of this standby"):
            wait_until_free(taken)
