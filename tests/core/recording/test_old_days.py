"""Days recorded by earlier versions: each is played, or one sentence says why not.

`stored` has a day of each form that this project has ever written, as it was written then.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from core.recording.day_file import FORMAT, DayUnreadable
from core.recording.playback import RecordedDay, ReplayClient
from core.snapshot import Mode
from core.snapshot.codec import READABLE, VERSION
from senex_tui.run.replay import Recorded, listed, open_day
from senex_tui.support.refusals import Refused
from tests.support.console.driver import Ticker

STORED = Path(__file__).parent / "stored"
OLD = [path.stem.removeprefix("v") for path in sorted(STORED.glob("v*.day"))]


def test_a_day_of_every_earlier_form_is_stored() -> None:
    assert [str(version) for version in range(1, VERSION)] == OLD
    for version in OLD:
        assert (STORED / f"v{version}.day").read_bytes().startswith(f"senex day {FORMAT}.{version}\n".encode())


@pytest.mark.parametrize("version", [version for version in OLD if int(version) in READABLE])
def test_a_readable_one_is_played_from_its_first_moment_to_its_last(version: str) -> None:
    day = RecordedDay(STORED / f"v{version}.day")
    assert len(day) > 1
    replay = ReplayClient(day, Ticker(), 1)
    for number in range(len(day)):
        shown = replay.snapshot()
        assert shown.status.mode is Mode.REPLAY
        assert (shown.status.now, shown.quotes != ()) == (day.at(number).status.now, True)
        replay.step_frames(1)
    assert replay.state.ended


@pytest.mark.parametrize("version", [version for version in OLD if int(version) not in READABLE])
def test_one_that_is_not_readable_says_so_in_a_sentence(tmp_path: Path, version: str) -> None:
    (tmp_path / "2026-11-20.day").write_bytes((STORED / f"v{version}.day").read_bytes())
    why = f"was recorded by an older version of senex, in the form {FORMAT}.{version}; this one reads 1.2, 1.3 and 1.4"
    with pytest.raises(DayUnreadable, match=why):
        RecordedDay(tmp_path / "2026-11-20.day")
    days = Recorded((tmp_path,), of_demos=False)
    assert why in " ".join(" ".join(line.split()) for line in listed(days))
    with pytest.raises(Refused, match=why):
        open_day(days, "2026-11-20")


@pytest.mark.parametrize(
    ("form", "whose"), [("1.1", "an older"), ("1.10", "a newer"), ("2.0", "a newer"), ("x", "another")]
)
def test_it_is_said_whether_the_form_is_older_or_newer(tmp_path: Path, form: str, whose: str) -> None:
    path = tmp_path / "2026-11-20.day"
    path.write_bytes(f"senex day {form}\n".encode())
    with pytest.raises(DayUnreadable, match=f"recorded by {whose} version of senex, in the form {form};"):
        RecordedDay(path)
