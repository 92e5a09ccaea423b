"""Records one moment after another until it is killed: `python -m tests.core.recording.record_until_killed FOLDER`."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

from core.recording.recorder import DayRecorder
from tests.core.recording.days import moment

recorder = DayRecorder(Path(sys.argv[1]), sys.exit)
for second in itertools.count():
    recorder.take(moment(second))
    if second == 20:
        sys.stdout.write("recording\n")
        sys.stdout.flush()
