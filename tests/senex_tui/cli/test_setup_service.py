"""How `senex setup` has the console kept running: the same settings and records, with blanks in every path."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from senex_tui.cli.setup.plan import Plan
from senex_tui.cli.setup.service import Start, keep_running, start_of

UNIT = (Path(__file__).parents[3] / "docs" / "units" / "senex.service").read_text()
ODD = Path('/home/a b/50% $x/se"nex')


def test_a_start_carries_the_settings_file_and_the_folders_of_this_run() -> None:
    environ = {"SENEX_CONFIG": "mine.toml", "XDG_STATE_HOME": "/state", "PATH": "/bin", "SENEX_PING__URL": "x"}
    start = start_of(is_live=True, data_dir=Path("my data"), environ=environ)
    assert start.options == ("--live", "--data-dir", str(Path("my data").absolute()))
    assert start.places == {"SENEX_CONFIG": str(Path("mine.toml").absolute()), "XDG_STATE_HOME": "/state"}


def test_the_line_for_tmux_is_one_that_a_shell_reads_back() -> None:
    plain = Start(Path("/opt/senex"), (), {})
    assert plain.tmux() == "tmux new -s senex /opt/senex"
    odd = Start(ODD, (), {})
    assert shlex.split(odd.tmux()) == ["tmux", "new", "-s", "senex", "env", str(ODD)], "tmux parts a single word"
    whole = Start(ODD, ("--live", "--data-dir", "/my data"), {"SENEX_CONFIG": "/a b.toml"})
    assert shlex.split(whole.tmux())[4:] == [
        "env",
        "SENEX_CONFIG=/a b.toml",
        str(ODD),
        "--live",
        "--data-dir",
        "/my data",
    ]


def test_a_unit_names_all_of_it_in_the_words_of_systemd(tmp_path: Path) -> None:
    script = tmp_path / "a b" / "senex-tmux.sh"
    unit = Start(ODD, ("--live", "--data-dir", "/my 5% $data"), {"SENEX_CONFIG": "/a b.toml"}).unit(UNIT, script)
    lines = unit.splitlines()
    assert f'ExecStart="{script}" serve --live --data-dir "/my 5%% $$data"' in lines
    assert f'ExecStop="{script}" stop' in lines
    assert 'Environment="SENEX=/home/a b/50%% $x/se\\"nex"' in lines
    assert 'Environment="SENEX_CONFIG=/a b.toml"' in lines
    assert "%h" not in unit.replace("%%h", "")
    if shutil.which("systemd-analyze"):
        script.parent.mkdir()
        script.write_text("#!/bin/sh\n")
        script.chmod(0o700)
        written = tmp_path / "senex.service"
        written.write_text(unit)
        done = subprocess.run(["systemd-analyze", "--user", "verify", written], capture_output=True, text=True)
        assert str(written) not in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("is_live", "data_dir", "told"),
    [(False, None, False), (True, None, True), (False, Path("/elsewhere"), True)],
)
def test_a_unit_that_starts_another_console_is_told_and_written_anew_only_when_asked(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    is_live: bool,
    data_dir: Path | None,
    told: bool,
) -> None:
    for name in ("SENEX_CONFIG", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    placed = f"[Service]\nEnvironment=XDG_CONFIG_HOME={tmp_path}\n"
    unit = tmp_path / "systemd" / "user" / "senex.service"
    unit.parent.mkdir(parents=True)
    unit.write_text(UNIT.replace("[Service]\n", placed))  # as it is copied by hand
    asked: list[str] = []

    def agrees(question: str) -> bool:
        asked.append(question)
        return True

    monkeypatch.setattr("senex_tui.cli.setup.service.agrees", agrees)
    plan = Plan()
    keep_running(plan, is_live=is_live, data_dir=data_dir)
    said = capsys.readouterr().out
    assert bool(asked) is told
    assert ("starts another console than this one" in said) is told
    assert (plan.unit is not None) is told
    if is_live:
        assert plan.unit is not None
        assert "senex-tmux.sh serve --live\n" in plan.unit[1]
