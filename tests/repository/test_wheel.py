"""The wheel runs without the repository, and never with another package's `core` or `widgets`."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel holds, as an installer unpacks it."""
    folder = tmp_path_factory.mktemp("wheel")
    argv = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(argv, cwd=ROOT, check=True, capture_output=True, timeout=60)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder / "packages")
    return folder / "packages"


def senex(paths: tuple[Path, ...], folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), "HOME": str(folder)}
    argv = [sys.executable, "-P", "-m", "senex_tui", *words]
    return subprocess.run(argv, cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_the_wheel_runs_in_a_bare_folder(installed: Path, tmp_path: Path) -> None:
    assert senex((installed,), tmp_path, "--version").stdout.startswith("senex ")
    done = senex((installed,), tmp_path, "demo", "--list")
    assert done.returncode == 0, done.stderr
    found = "import core, widgets, senex_tui; print(core.__file__, widgets.__file__, senex_tui.__file__)"
    environ = {**os.environ, "PYTHONPATH": str(installed)}
    argv = [sys.executable, "-P", "-c", found]
    loaded = subprocess.run(argv, cwd=tmp_path, env=environ, capture_output=True, text=True, check=True).stdout
    assert loaded.count(str(installed)) == 3


def test_the_wheel_holds_each_file_that_is_not_code(installed: Path) -> None:
    kept = [p for p in ROOT.glob("senex_tui/**/*") if p.suffix in {".tcss", ".typed"}]
    assert kept
    for path in (*kept, ROOT / "core" / "py.typed", ROOT / "widgets" / "py.typed"):
        assert (installed / path.relative_to(ROOT)).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", ["core", "widgets"])
def test_a_package_of_another_by_the_same_name_is_refused_in_a_sentence(
    installed: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "other" / name).mkdir(parents=True)
    (tmp_path / "other" / name / "__init__.py").write_text("raise SystemExit('loaded')\n")
    done = senex((tmp_path / "other", installed), tmp_path, "--version")
    assert done.returncode == 2
    assert done.stderr == (
        f"senex: the package {name} in {tmp_path / 'other' / name} is in the way of the console's own; install Senex "
        "into an environment of its own, as `pipx install` or `uv tool install` does.\n"
    )
