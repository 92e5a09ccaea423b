"""Who holds a lock: written into the lock's file, read by a process that is refused."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from core.domain.operation.times import minute_stamp

TMUX_WITHIN_S = 1.0
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Holder:
    """A trading process. `since` is real time, aware, UTC. `attach` is the command that shows its console, or empty."""

    pid: int
    since: datetime
    mode: str
    attach: str
    host: str = ""
    """The machine's name; set where the lock is in a database that several machines reach."""

    @classmethod
    def this_process(cls, mode: str, now: datetime, environ: Mapping[str, str]) -> Holder:
        return cls(os.getpid(), now, mode, _attach_command(environ))

    def is_running(self) -> bool:
        """Whether its process exists. If not, the holder was killed and its text is out of date."""
        try:
            os.kill(self.pid, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except PermissionError:  # another user's
            return True
        return True

    def to_text(self) -> str:
        words = {"pid": self.pid, "since": self.since.isoformat(), "mode": self.mode, "attach": self.attach}
        words |= {"host": self.host} if self.host else {}
        return json.dumps(words) + "\n"

    @classmethod
    def from_text(cls, text: str) -> Holder | None:
        """The holder this text describes; None when the text is empty, cut short or written by another program."""
        try:
            words = json.loads(text)
            since = datetime.fromisoformat(words["since"])
            if since.tzinfo is None:
                return None
            pid = int(words["pid"])
            mode, attach, host = _plain(words["mode"]), _plain(words["attach"]), _plain(words.get("host", ""))
            return None if pid <= 0 else cls(pid, since, mode, attach, host)
        except (ValueError, TypeError, KeyError):
            return None


def refusal(subject: str, holder: Holder | None) -> str:
    """The sentence for the refused trader: who holds the lock, since when, and what to do."""
    if holder is None:
        return f"another process holds {subject}; end it first, then start again."
    machine = f" on {holder.host}" if holder.host else ""
    who = f"another senex (process {holder.pid}{machine}, {holder.mode})"
    since = f"{minute_stamp(holder.since)} ET"
    fix = f"attach to it with: {holder.attach}" if holder.attach else f"end it first (quit it, or kill {holder.pid})"
    return f"{who} trades with {subject} since {since}; {fix}"


def _attach_command(environ: Mapping[str, str]) -> str:
    """The command that attaches to this process's tmux session; empty outside tmux or when tmux does not answer."""
    socket = environ.get("TMUX", "").partition(",")[0]
    if not socket:
        return ""
    pane = environ.get("TMUX_PANE")
    try:
        answer = subprocess.run(  # noqa: S603 - fixed words, and the pane tmux itself named
            ["tmux", "display-message", "-p", *(("-t", pane) if pane else ()), "#S"],  # noqa: S607 - found on the PATH
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TMUX_WITHIN_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ""
    session = _plain(answer.stdout.strip())
    if not session:
        return ""
    server = "" if os.path.basename(socket) == "default" else f" -S {shlex.quote(socket)}"
    return f"tmux{server} attach -t {shlex.quote(session)}"


def _plain(words: object) -> str:
    """The text without unprintable characters and at most 200 long: it is shown in a terminal."""
    return "".join(letter for letter in str(words) if letter.isprintable())[:_LONGEST]
