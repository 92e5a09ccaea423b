"""No process of the tests locks an account in the true home of the user, however it is started."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core.config.folders import account_locks
from tests.support.forked_process import run
from tests.support.senex_command import Box

_SAYS = "from core.config.folders import account_locks; print(account_locks())"


@pytest.mark.parametrize("how", ["in process", "started", "forked", "a child without its own folder to import from"])
def test_the_place_of_the_account_locks_is_in_the_home_of_the_tests(
    tmp_path: Path, own_home_of_the_user: Path, how: str
) -> None:
    box = Box(tmp_path)
    match how:
        case "in process":
            told = str(account_locks())
        case "forked":
            told = run((), box.environment(), tmp_path, 30, module="tests.repository.says_account_locks").stdout
        case _:
            options = ("-P",) if how.startswith("a child") else ()
            told = subprocess.run(
                [sys.executable, *options, "-c", _SAYS],
                env=box.environment(),
                cwd=Path(__file__).parents[2],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
    assert told.strip() == str(own_home_of_the_user / ".local" / "state" / "senex" / "locks")
