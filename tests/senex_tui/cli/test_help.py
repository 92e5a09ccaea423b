"""The help is readable and appears at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from senex_tui.support.version import commit_of
from tests.support.senex_command import SENEX, Box

HEAVY = ("tastytrade", "sqlalchemy", "pandas", "numpy", "aiohttp", "textual", "httpx2", "keyring", "pydantic")
COMPLETION_LOADS_NONE = tuple(name for name in HEAVY if name != "pydantic")  # typer reads options with pydantic


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), ["--data-dir DIR", "--live", "--version", "demo", "simulator", "once", "check"]),
        (("demo",), ["--speed N", "--start ISO", "--seed N", "--data-dir DIR", "15 seconds before the 09:45 slot"]),
        (("simulator",), ["--port N", "--seed N", "--speed N", "--start ISO", "secret-ok", "refresh-ok"]),
        (("once",), ["--json", "--account N", "--wait SECONDS", "0 succeeded, 3 skipped, 4 failed, 5 unknown"]),
        (("check",), ["secrets are masked"]),
        (
            ("history",),
            ["--kind KIND", "--from DATE", "--to DATE", "--reason CODE", "--csv", "--json", "-n, --limit N"],
        ),
        (("explain",), ["CYCLE", "11:15", "--json", "why it was missed"]),
        (("day",), ["[DATE]", "--json"]),
    ],
)
def test_help(box: Box, arguments: tuple[str, ...], expected: list[str]) -> None:
    for flag in ("--help", "-h"):
        done = box.run(*arguments, flag)
        assert done.returncode == 0
        assert done.stderr == ""
        for text in expected:
            assert text in done.stdout
        assert_readable(done.stdout)


def test_the_help_of_every_command_is_whole(box: Box) -> None:
    """The line of each command in its list, and its own page, are neither cut nor wider than a terminal."""
    asked: list[tuple[str, ...]] = [()]
    for command in asked:
        shown = box.run(*command, "--help").stdout
        assert shown.startswith(f"Usage: senex {' '.join(command)}".rstrip()), command
        assert_readable(shown)
        listed = shown.partition("\nCommands:\n")[2]
        for line in listed.splitlines():
            name, _, told = line.strip().partition("  ")
            assert told.strip().endswith("."), f"{name} is told by no whole sentence"
            asked.append((*command, name))
    groups = {("accounts", "skip"), ("mail", "test"), ("db", "copy"), ("exits", "status")}
    assert {("allow-reentry",), *groups} <= set(asked)


def assert_readable(shown: str) -> None:
    """Neither cut short, nor with a stray mark of any markup, nor wider than a terminal."""
    assert "..." not in shown.replace("[ARGS]...", "")
    assert "[/" not in shown
    assert "[[" not in shown, "an argument is bracketed twice"
    assert all(len(line) <= 80 for line in shown.splitlines())


@pytest.mark.parametrize("optimized", ["0", "1", "2"])
@pytest.mark.parametrize(
    ("arguments", "described"),
    [
        ((), "A console for the daily Senex Trident cycle"),
        ((), "Pause automation: no new entries until resumed."),
        (("demo",), "It opens 15 seconds before the 09:45 slot"),
        (("mail", "test"), "Send one message to mail.operator now"),
        (("accounts", "set"), "offset-cents 0..25"),
    ],
)
def test_help_is_there_however_python_optimizes(
    box: Box, optimized: str, arguments: tuple[str, ...], described: str
) -> None:
    done = subprocess.run(
        [SENEX, *arguments, "--help"],
        env=box.environment(PYTHONOPTIMIZE=optimized),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert described in done.stdout


def test_version(box: Box) -> None:
    done = box.run("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("senex 0.")


def test_the_commit_is_that_of_the_repository(tmp_path: Path) -> None:
    assert commit_of(tmp_path) == ""

    def git(*words: str) -> str:
        named = ("-c", "user.name=A", "-c", "user.email=a@example.com")
        return subprocess.run(
            ["git", "-C", str(tmp_path), *named, *words], capture_output=True, text=True, timeout=30, check=True
        ).stdout.strip()

    git("init", "-q")
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "-q", "-m", "Add a file")
    git("tag", "v9")
    assert commit_of(tmp_path) == git("rev-parse", "--short=8", "HEAD")
    (tmp_path / "file").write_text("two")
    assert commit_of(tmp_path) == git("rev-parse", "--short=8", "HEAD") + "+"


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("", "history"),
        ("hist", "history"),
        ("history --j", "--json"),
        ("accounts en", "enable"),
        ("demo --sp", "--speed"),
    ],
)
def test_a_shell_completes_commands_and_options(box: Box, typed: str, offered: str) -> None:
    """With what help needs, and the parser of its options: nothing that takes long to load."""
    words = {"COMP_WORDS": f"senex {typed}", "COMP_CWORD": str(max(1, len(typed.split())))}
    code = (
        "import atexit, sys; from senex_tui.cli.entry import main; sys.argv = ['senex']; "
        f"atexit.register(lambda: print([name for name in {COMPLETION_LOADS_NONE!r} if name in sys.modules])); main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=box.environment(_SENEX_COMPLETE="complete_bash", **words),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    *found, loaded = done.stdout.split("\n")[:-1]
    assert offered in found
    assert loaded == "[]"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(box: Box, shell: str) -> None:
    done = box.run(_SENEX_COMPLETE=f"source_{shell}")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"_SENEX_COMPLETE=complete_{shell}" in done.stdout


def test_the_command_line_imports_nothing_heavy() -> None:
    code = (
        "import sys; from senex_tui.cli import main, registry; registry.add_other_commands(main.app); "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("demo", "--speed", "61"), "less than or equal to 60"),
        (("demo", "--start", "2026-03-02T09:44:45"), "has no time zone"),
        (("demo", "--start", "soon"), "is not a date and time"),
        (("simulator", "--port", "70000"), "less than or equal to 65535"),
        (("once", "--wait", "-1"), "greater than or equal to 0"),
        (("demmo",), "demo"),
        (("--liv",), "--live"),
    ],
)
def test_a_wrong_option_is_refused(box: Box, arguments: tuple[str, ...], told: str) -> None:
    done = box.run(*arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
