"""`senex login` and `senex logout` in a terminal: typed secrets are not shown, and only a login the broker accepts is
stored."""

from __future__ import annotations

import os
import pty
from collections.abc import Sequence
from pathlib import Path

from core.config.folders import folders
from core.snapshot import Mode
from senex_tui.cli.commands.login import without_the_new_login
from senex_tui.trader.locks import lock_data
from senex_tui.trader.place import place_of
from tests.support.forked_process import ForkedProcess
from tests.support.senex_command import LONGEST_S, Box


def typed(box: Box, words: Sequence[str], answers: Sequence[str], **environ: str) -> tuple[int, str]:
    """Runs `senex` in a terminal and answers each prompt; returns the exit code and everything shown."""
    ours, theirs = pty.openpty()
    with ForkedProcess(
        words,
        box.environment(**environ),
        box.home,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        shown, waiting = b"", list(answers)
        try:
            while True:
                try:
                    part = os.read(ours, 65_536)
                except OSError:  # the other end is closed
                    break
                if not part:
                    break
                shown += part
                if waiting and shown.count(b": ") and shown.rstrip(b" ").endswith((b"secret:", b"token:")):
                    os.write(ours, waiting.pop(0).encode() + b"\n")
            return process.wait(LONGEST_S), shown.decode().replace("\r\n", "\n")
        finally:
            process.kill()
            os.close(ours)


def test_a_login_is_checked_and_says_what_it_reaches_without_showing_anything(box: Box, simulator_url: str) -> None:
    code, shown = typed(box, ["login", "roth"], ["secret-ok", "refresh-ok"], SENEX_BROKER__URL=simulator_url)
    assert code == 0, shown
    assert "login roth: the broker takes it; it reaches …0001" in shown
    assert "TT_SECRET_ROTH and TT_REFRESH_ROTH" in shown
    assert "secret-ok" not in shown
    assert "refresh-ok" not in shown
    assert not box.credentials_file.exists(), "what another broker takes is not kept for tastytrade"


def test_a_login_the_broker_refuses_is_not_kept(box: Box, simulator_url: str) -> None:
    code, shown = typed(box, ["login"], ["secret-bad", "refresh-bad"], SENEX_BROKER__URL=simulator_url)
    assert code == 2, shown
    assert "login primary is not kept: login refused: " in shown
    assert "-bad" not in shown


def test_logins_are_asked_for_only_in_a_terminal(box: Box) -> None:
    refused = box.run("login")
    assert (refused.returncode, "needs a terminal" in refused.stderr) == (2, True)


def test_logout_removes_a_login_and_check_lists_the_rest(box: Box) -> None:
    content = "TT_SECRET='p-secret'\nTT_REFRESH='p'\n[roth]\nTT_SECRET='r-secret'\nTT_REFRESH='r'\n"
    box.write(box.credentials_file, content)
    shown = box.run("check").stdout
    assert f"credentials roth  client secret ****, refresh token ****, from file {box.credentials_file}" in shown
    assert "-secret" not in shown
    assert box.run("logout", "roth").stdout == f"login roth: removed from file {box.credentials_file}\n"
    assert "roth" not in box.run("check").stdout
    again = box.run("logout", "roth")
    assert (again.returncode, "no login roth is kept" in again.stderr) == (2, True)


def test_a_console_that_runs_is_named_with_what_to_do(tmp_path: Path) -> None:
    here = folders(tmp_path)
    assert without_the_new_login(here) == []
    lock = lock_data(place_of(here, Mode.DRY_RUN))
    try:
        [line] = without_the_new_login(here)
    finally:
        lock.release()
    assert line.startswith(f"the dry-run console that runs (process {os.getpid()}) goes on without it: quit it and")
