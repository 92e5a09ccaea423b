"""What a run of the tests prints at its end."""

from __future__ import annotations

import shlex

import pytest

from tests.support.run_summary import AREAS_SHOWN, area_lines, commands_to_repeat


def _report(name: str, took_s: float) -> pytest.TestReport:
    return pytest.TestReport(name, (name, None, ""), {}, "passed", None, "call", duration=took_s)


def test_a_failed_test_has_one_command_that_a_shell_takes_as_it_stands() -> None:
    name = 'tests/core/a/test_b.py::test_c[it\'s $5 "a"]'
    [command] = commands_to_repeat([name, name], seed=5)
    assert shlex.split(command)[-2:] == ["--randomly-seed=5", name]


def test_the_areas_that_took_most_come_first() -> None:
    reports = [_report(f"tests/core/area{n}/deep/test_a.py::test_b", n) for n in range(AREAS_SHOWN + 2)]
    lines = area_lines([*reports, _report("tests/core/area1/test_c.py::test_d", 100.0)])
    assert len(lines) == AREAS_SHOWN
    assert lines[0].split() == ["101.0", "s", "2", "tests", "tests/core/area1"]
    assert lines[1].split() == ["11.0", "s", "1", "tests", "tests/core/area11"]
