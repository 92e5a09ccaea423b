"""The recorded scenes are what the engine shows now."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from core.recording.day_file import SUFFIX
from tests.support.console import recordings
from tests.support.console.recordings import StaleRecording, check, recorded
from tests.support.console.scene_days import DAYS
from tests.support.console.scenes import SCENES
from tests.support.proofs import rounds

SLOW = ("trading", "alerted")
"""Days that take ten seconds each. The day `alerted` is simulated for its stored screens anyway."""


@pytest.mark.proof
def test_a_day_lived_again_gives_the_scenes_as_recorded(tmp_path: Path) -> None:
    """`make test` simulates one day, another in each run; `make proofs` all."""
    quick = [day for day in DAYS if day not in SLOW]
    for day in random.sample(quick, rounds(1, len(quick))) + list(SLOW)[: rounds(0, len(SLOW))]:
        folder = tmp_path / day
        folder.mkdir()
        check(day, DAYS[day].live(folder))


def test_every_scene_has_its_moment_and_no_file_is_left_over() -> None:
    assert {path.name for path in recordings.FOLDER.iterdir()} == {f"{day}{SUFFIX}" for day in DAYS}
    assert all(scene().status for scene in SCENES.values())


def test_a_scene_that_changed_is_refused_with_the_command() -> None:
    scenes = recorded("live")
    status = replace(scenes["live"].status, speed=2.0)
    with pytest.raises(StaleRecording, match=r"other scenes of the day live .*`make scenes` records them anew"):
        check("live", {"live": replace(scenes["live"], status=status)})


@pytest.mark.parametrize("content", [b"", b"senex day 0.0\n", b"no day"])
def test_a_file_this_version_cannot_read_is_refused_with_the_command(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings, "FOLDER", tmp_path)
    recorded.cache_clear()
    try:
        with pytest.raises(StaleRecording, match="`make scenes` records them anew"):
            recorded("live")
        (tmp_path / f"live{SUFFIX}").write_bytes(content)
        with pytest.raises(StaleRecording, match="`make scenes` records them anew"):
            recorded("live")
    finally:
        recorded.cache_clear()
