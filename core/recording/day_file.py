"""The file of one exchange day. Frames are appended to it as they come; a torn end costs only the frame it tore.

The first line names the version. Then come frames, each a head and a part of a deflate stream. A key frame begins a new
stream and holds a whole snapshot; the frames after it continue the stream and hold changes (`core.snapshot.codec`).
Every frame is flushed, so that all frames before a torn end can be read. Its head has a checksum over head and part, so
that damage is noticed.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from core.snapshot.codec import READABLE
from core.snapshot.codec import VERSION as SNAPSHOT_VERSION

SUFFIX = ".day"
FORMAT = 1
HEAD = f"senex day {FORMAT}.{SNAPSHOT_VERSION}\n".encode()
_HEADS = tuple(f"senex day {FORMAT}.{version}\n".encode() for version in READABLE)
_MAGIC = b"senex day "
_FRAME = struct.Struct(">BIII")
_KEY, _CYCLE = 1, 2
_LARGEST = 64 * 1024 * 1024
_LONGEST_HEAD = 32
_TOLD_EVERY = 1000
"""Frames."""


class DayUnreadable(Exception):
    """The file is no day that this version can read; the text says why."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame. `at` is market time, UTC, to the second. `key`: it begins a stream. `cycle`: a cycle began with it.
    `part` is its part of the deflate stream."""

    at: datetime
    key: bool
    cycle: bool
    part: bytes


@dataclass(frozen=True, slots=True)
class Frames:
    """The whole frames of a file in order. They end at byte `end`; `rest` counts the bytes after that.

    `torn` is true when those bytes are only the beginning of one frame, as a killed process leaves it.
    """

    frames: tuple[Frame, ...]
    end: int
    rest: int
    torn: bool


def day_path(folder: Path, day: date) -> Path:
    """The file of this exchange day in the folder of the days."""
    return folder / f"{day.isoformat()}{SUFFIX}"


def recorded_days(folder: Path) -> Iterator[date]:
    """The days that have a file in this folder, earliest first; none when there is no folder."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            yield date.fromisoformat(path.stem)
        except ValueError:
            continue


def tell_nobody(_share: float) -> None:
    """The default for `told`: nobody waits."""


def read_frames(path: Path, told: Callable[[float], None] = tell_nobody) -> Frames:
    """Every frame up to the first one that is torn or damaged. `told` is called now and then with the share that is
    read.

    Raises DayUnreadable for a file of another version or of another kind, OSError as the disk does.
    """
    content = path.read_bytes()
    head = next((head for head in _HEADS if content.startswith(head)), None)
    if head is None:
        first = content[:_LONGEST_HEAD].split(b"\n")[0]
        if any(head.startswith(content) for head in _HEADS):  # killed before it wrote more
            return Frames((), 0, len(content), torn=True)
        if first.startswith(_MAGIC):
            version, *ours = (line[len(_MAGIC) :].decode("ascii", "replace").strip() for line in (first, *_HEADS))
            words = f"{path} was recorded by {_whose(version)} version of senex, in the form {version}"
            raise DayUnreadable(f"{words}; this one reads {', '.join(ours[:-1])} and {ours[-1]}")
        raise DayUnreadable(f"{path} is no recorded day")
    found = []
    place, view = len(head), memoryview(content)
    torn = True
    while place + _FRAME.size <= len(content):
        flags, second, length, check = _FRAME.unpack_from(content, place)
        end = place + _FRAME.size + length
        if length > _LARGEST or end > len(content):
            torn = length <= _LARGEST
            break
        part = bytes(view[place + _FRAME.size : end])
        if _check(flags, second, part) != check:
            torn = False
            break
        found.append(Frame(datetime.fromtimestamp(second, UTC), bool(flags & _KEY), bool(flags & _CYCLE), part))
        place = end
        if len(found) % _TOLD_EVERY == 0:
            told(place / len(content))
    return Frames(tuple(found), place, len(content) - place, torn)


class DayWriter:
    """Appends frames to the file of one day, which only this user can read. Every method can raise OSError.

    After such an error only `close` may be called. The next writer removes what was half written.
    """

    def __init__(self, path: Path) -> None:
        """Opens the file and cuts off a torn end. A file this version cannot continue is kept under another name."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        end = _usable(path)
        self._deflate = zlib.compressobj()
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.ftruncate(self._descriptor, end)
            os.lseek(self._descriptor, 0, os.SEEK_END)
            if end == 0:
                self._append(HEAD)
        except OSError:
            self.close()
            raise

    def write(self, at: datetime, payload: bytes, *, key: bool, cycle: bool) -> int:
        """Adds a frame and returns its size in bytes. A writer's first frame must be a key frame."""
        if key:
            self._deflate = zlib.compressobj()
        part = self._deflate.compress(payload) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        flags, second = key * _KEY | cycle * _CYCLE, int(at.timestamp())
        frame = _FRAME.pack(flags, second, len(part), _check(flags, second, part)) + part
        self._append(frame)
        return len(frame)

    def _append(self, written: bytes) -> None:
        while written:
            written = written[os.write(self._descriptor, written) :]

    def close(self) -> None:
        os.close(self._descriptor)


def _usable(path: Path) -> int:
    """The byte from which the file can be continued; 0 when it must begin anew."""
    if not path.exists():
        return 0
    try:
        found = read_frames(path)
    except DayUnreadable:
        found = None
    if found is not None and (found.torn or found.rest == 0):
        return found.end
    number = 1
    while (aside := path.with_name(f"{path.name}.{number}")).exists():
        number += 1
    path.rename(aside)
    return 0


def _whose(version: str) -> str:
    """Whether a form like 1.1 is older or newer than those that are read."""
    parts = version.split(".")
    if not all(part.isdecimal() for part in parts):
        return "another"
    return "an older" if [int(part) for part in parts] < [FORMAT, READABLE[0]] else "a newer"


def _check(flags: int, second: int, part: bytes) -> int:
    return zlib.crc32(part, zlib.crc32(struct.pack(">BI", flags, second)))
