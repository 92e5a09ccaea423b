"""Every line of `senex` and `make` in the documentation is run, `senex` against a demo that trades; others are parsed.

A line runs as it is written, with the demo's own values in place of words in capitals and of the examples' numbers.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bench.benches import BENCHES
from tests.support.documented_lines import PROGRAMS, ROOT, lines, spellings
from tests.support.forked_process import ForkedProcess, run
from tests.support.senex_command import Box

pytestmark = pytest.mark.timeout(240)

RESTS_WITHIN_S = 150.0
"""Targets follow a fill once positions were read twice, half a minute apart."""
SLOT_WITHIN_S = 45.0
"""The demo's slot comes at its start, and waits a minute of its time."""
DAY = "2026-03-02"
WITHIN_S = 60.0
TAKES_A_DEMO = frozenset({
    "accounts", "alerts", "allow-reentry", "attest", "backup", "cancel", "close", "day", "exits", "explain", "force",
    "halt", "history", "mail", "pause", "preview", "reconcile", "release", "replay", "report", "reset", "resume",
    "retarget", "status", "tridents",
})  # fmt: skip
"""The commands that `--demo` leads to the running demo."""
SCREENS = frozenset({"demo", "run", "watch", "simulator", "once"})
"""The commands that open a screen, serve until they are ended, or need a broker of their own. Here their options are
parsed; the tests of each run it."""
ANSWERS = {
    "alerts ack": (3,),
    "attest": (0, 3),
    "allow-reentry": (3,),
    "cancel": (0, 3),
    "close": (0, 3),
    "db copy": (2,),
    "doctor": (1,),
    "force": (0, 3, 5),
    "login": (2,),
    "logout": (2,),
    "mail test": (2,),
    "pause": (0, 3),
    "release": (0, 3),
    "reset": (0, 3),
    "retarget": (0, 3),
    "notify test": (2,),
    "setup": (2,),
}
"""The exit codes of lines that the demo refuses, or refuses in some states: it has no alert, its entry is filled, its
mail is off, no login is kept, and the walk of an earlier line may have closed its trident before a release. All other
lines end with 0."""
NOT_WHOLE = ("Missing argument", "give either --limit N or --walk")
"""What a line is told that only names a command."""
ORDER = (
    "retarget", "close", "cancel", "exits", "force", "attest", "reset", "allow-reentry", "accounts", "release", "pause",
    "resume", "halt",
)  # fmt: skip
"""The commands that change something come after all others, in this order."""


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo: its name, the end of its account's number, and the ids of what it holds."""

    name: str
    number: str
    trident: str
    target: str
    order: str

    def values(self, words: tuple[str, ...], folder: Path) -> tuple[str, ...]:
        """The words of a line with values of this demo."""
        command = next((word for word in words if not word.startswith("-")), "")
        own = {
            "NUMBER": self.number, "0001": self.number, "0002": self.number, "ORDER": self.order, "CYCLE": "last",
            "ID": {"cancel": self.target, "attest": self.target, "alerts": "1"}.get(command, self.trident),
            "9531985d": self.trident[:8], "a1b2c3": self.name, "DATE": DAY, "DAY": DAY, "2026-11-20": DAY,
            "2026-03-02T11:15": f"{DAY}T11:15", "HH:MM": "11:16", "11:10": "11:16", "T": "15m", "TEXT": "order",
            "L": "info", "SECONDS": "0", "KIND": "orders", "UNIT": "put-1", "CENTS": "-7300", "WHY": "lunch",
            "WHAT": "halt", "NAME": "roth", "FIELD": "width", "VALUE": "5", "SEEN": "absent", "SYMBOL": "QQQ",
            "FILE": str(folder / "copy.sqlite3"), "/mnt/usb/senex.sqlite3": str(folder / "usb.sqlite3"),
            "/tmp/try": str(folder / "try"),
        }  # fmt: skip
        numbers = {"--account": self.number, "--limit": "0.05", "--cycle": "1", "-n": "5", "--speed": "4"}
        return tuple(
            numbers.get(before, "1") if word == "N" else own.get(word, word)
            for before, word in zip(("", *words), words, strict=False)
        )


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Box:
    return Box(tmp_path_factory.mktemp("documented"))


@pytest.fixture(scope="module")
def demo(box: Box) -> Iterator[Demo]:
    """A `senex demo` whose entry has filled and whose targets rest."""
    words = ["demo", "--plain", "--seed", "3", "--speed", "2", "--start", f"{DAY}T11:14:54-05:00"]
    fills_at_once = {"SENEX_TRADING__ENTRY_OFFSET_CENTS": "25", "SENEX_TRADING__STABILIZATION_SECONDS": "0.3"}
    with ForkedProcess([*words, *_data(box)], box.environment(**fills_at_once), box.home) as process:
        try:
            yield _holding(box)
        finally:
            process.terminate()
            assert process.wait(WITHIN_S) == 0


def _data(box: Box) -> list[str]:
    return ["--data-dir", str(box.home / "data")]


def _holding(box: Box) -> Demo:
    """The demo once its targets rest."""
    deadline, slot_over = time.monotonic() + RESTS_WITHIN_S, time.monotonic() + SLOT_WITHIN_S
    while time.monotonic() < deadline:
        time.sleep(2)
        told = box.run("tridents", "--demo", "--json", *_data(box)).stdout
        found: list[dict[str, Any]] = json.loads(told)["tridents"] if told else []
        if not found and time.monotonic() > slot_over:  # the start took longer than a slot waits
            box.run("force", "--demo", *_data(box))
            slot_over = deadline
        exits = [one for trident in found for one in trident["exits"] if one["state"] == "working"]
        if exits:
            status = json.loads(box.run("status", "--demo", "--json", *_data(box)).stdout)
            [account] = status["accounts"]
            return Demo(
                status["demo"], account["account"][1:], found[0]["id"], exits[0]["id"], account["entry"]["order"]
            )
    raise AssertionError(f"no targets rest in the demo: {told}")


def test_every_line_of_senex_ends_as_the_page_says(box: Box, demo: Demo) -> None:
    wanted: dict[tuple[str, ...], str] = {}
    for line in lines("senex"):
        for words in spellings(line.text):
            wanted.setdefault(demo.values(words, box.home), f"{line.page}: {line.text}")
    assert len(wanted) > 100
    started = sorted(wanted, key=lambda words: ORDER.index(words[0]) if words and words[0] in ORDER else -1)
    ends = _ended(box, [_asked(words, box) for words in started])
    wrong = [
        f"{wanted[words]} ended with {code}: {said}{complained}"
        for words, (code, said, complained) in zip(started, ends, strict=True)
        if code not in _codes(words) and not any(told in complained for told in NOT_WHOLE)
    ]
    assert wrong == []


def test_every_line_of_make_has_its_target_and_what_it_names() -> None:
    asked = lines("make")
    assert len(asked) > 10
    for line in asked:
        words = [word.replace("=N", "=1").replace("=n", "=1") for word in shlex.split(line.text)]
        done = subprocess.run([words[0], "-n", *words[1:]], cwd=ROOT, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, (line, done.stderr)
        assert done.stdout, line
        named = next((word.removeprefix("ARGS=") for word in words if word.startswith("ARGS=")), "")
        assert words[1] != "bench" or named in (*BENCHES, ""), line
        assert not named.startswith("tests/") or (ROOT / named).exists(), line


def test_every_line_for_other_programs_can_be_read() -> None:
    asked = lines(*PROGRAMS)
    assert {line.text.split(" ")[0] for line in asked} >= {"systemctl", "psql"}
    for line in asked:
        assert len(shlex.split(line.text)) > 1 or line.text in PROGRAMS, line


def test_a_line_that_no_command_takes_is_noticed(box: Box) -> None:
    for written in ("senex tridents --everything", "senex exits stop", "senex demo --sped 4"):
        [words] = spellings(written)
        [(code, _, complained)] = _ended(box, [_asked(words, box)])
        assert code not in _codes(words), written
        assert "No such" in complained
        assert not any(told in complained for told in NOT_WHOLE)


def _codes(words: tuple[str, ...]) -> tuple[int, ...]:
    asked = [" ".join(words[:count]) for count in (2, 1)]
    return (0,) if _is_parsed(words) else next((ANSWERS[begun] for begun in asked if begun in ANSWERS), (0,))


def _is_parsed(words: tuple[str, ...]) -> bool:
    """Whether the line is asked for its help, for which all its options are read too."""
    own = words[2:] if words[:1] == ("--data-dir",) else words
    command = next((word for word in own if not word.startswith("-")), "")
    lists = words[:2] == ("demo", "--list") or (words[:1] == ("replay",) and DAY not in words)
    return "--live" in words or "-f" in words or (not lists and command in ("", "replay", *SCREENS))


def _asked(words: tuple[str, ...], box: Box) -> list[str]:
    """The arguments to run: against the demo where the command can, in the test's own folders."""
    if _is_parsed(words):
        return [*words, "--help"]
    takes = words[0] in TAKES_A_DEMO and "--demo" not in words
    asked = [*words, "--demo"] if takes and words != ("mail", "test") else [*words]
    return asked if words[0] in ("login", "logout") else [*asked, *_data(box)]


def _ended(box: Box, asked: list[list[str]]) -> list[tuple[int, str, str]]:
    (box.home / "lines.json").write_text(json.dumps(asked))
    done = run([str(box.home)], box.environment(), box.home, 200, module="tests.support.senex_lines")
    assert done.returncode == 0, done.stderr
    ends: list[tuple[int, str, str]] = json.loads((box.home / "ends.json").read_text())
    return ends
