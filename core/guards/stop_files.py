"""Stops that were asked from a shell, as files beside the records, so that they hold while these cannot be written
(rules 10)."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from core.domain.operation.commands import Command, CommandKind
from core.runtime.durable_file import write_durably

FOLDER = "stops"
"""The folder's name, beside the records."""
_END = ".json"


@dataclass(frozen=True, slots=True)
class KeptStop:
    """One file. `command` is None when it cannot be read: it then stops every account."""

    path: Path
    command: Command | None

    @property
    def id(self) -> str:
        """The command's id."""
        return self.path.name.removesuffix(_END)


class StopFiles:
    """The files in one folder, which need not exist. Whoever has carried out a stop removes its file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read: dict[str, tuple[int, KeptStop]] = {}

    def path_of(self, command_id: str) -> Path:
        return self.folder / f"{command_id}{_END}"

    def write(self, command: Command) -> Path:
        """Keeps the stop durably, for this user only, and returns its file. Raises OSError."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        path = self.path_of(command.id)
        words = {
            "kind": command.kind.value,
            "who": command.who,
            "at": command.at.isoformat(),
            "target": command.target,
            "note": command.note,
        }
        write_durably(path, json.dumps(words))
        return path

    def remove(self, command_id: str) -> None:
        """Removes the file of this command, if there is one. A file that stays goes on stopping entries."""
        with suppress(OSError):
            self.path_of(command_id).unlink(missing_ok=True)

    def kept(self) -> tuple[KeptStop, ...]:
        """The stops that are kept now, by name. A folder that cannot be read is one stop of every account."""
        found: dict[str, tuple[int, KeptStop]] = {}
        try:
            with os.scandir(self.folder) as entries:
                for entry in entries:
                    if entry.name.endswith(_END) and not entry.name.startswith("."):
                        found[entry.name] = self._look(entry)
        except FileNotFoundError:
            found.clear()
        except OSError:
            return (KeptStop(self.folder, None),)
        self._read = found
        return tuple(found[name][1] for name in sorted(found))

    def _look(self, entry: os.DirEntry[str]) -> tuple[int, KeptStop]:
        """Reads a file, or returns what was read of it before. One that vanishes meanwhile is a stop once more."""
        path = Path(entry.path)
        try:
            changed = entry.stat(follow_symlinks=False).st_mtime_ns
            known = self._read.get(entry.name)
            if known is not None and known[0] == changed:
                return known
            return changed, KeptStop(path, _command_in(path))
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return -1, KeptStop(path, None)


def _command_in(path: Path) -> Command:
    """The command that `write` kept. Raises OSError, ValueError, TypeError or KeyError for another content."""
    words = json.loads(path.read_text(encoding="utf-8"))
    texts = [words[name] for name in ("who", "at", "target", "note")]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a part of the stop is no text")
    who, at, target, note = texts
    asked = datetime.fromisoformat(at)
    if asked.tzinfo is None:
        raise ValueError("the instant has no time zone")
    return Command(path.name.removesuffix(_END), CommandKind(words["kind"]), who, asked, target=target, note=note)
