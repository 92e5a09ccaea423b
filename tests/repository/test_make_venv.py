"""`make` notices a `.venv` that cannot be used, makes it anew and says why; what keeps it from that is one sentence.

The real script runs in a folder of its own, on locks without packages. The Python that it is given makes an environment
that borrows pip from the one the tests run in: copying pip for each of them would take seconds.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / ".ci" / "make-venv"
NO_SUCH_PACKAGE = f"senex-needs-no-such-package==1 --hash=sha256:{'0' * 64}\n"
BORROWING = """#!/bin/sh
case "$*" in
"-m venv .venv")
    "{python}" -m venv --without-pip .venv || exit
    echo "{packages}" >"$(echo .venv/lib/python*/site-packages)/borrowed.pth"
    ;;
*) exec "{python}" "$@" ;;
esac
"""
STOPPING = """#!/bin/sh
[ "$*" = "-m venv .venv" ] && exit 9
exec "{python}" "$@"
"""
ELSEWHERE = """#!/bin/sh
case "$*" in "-m venv .venv") exit 9 ;; *cache_tag*) echo /elsewhere ;; *) exec "{python}" "$@" ;; esac
"""
OLD = """#!/bin/sh
case "$*" in *sys.exit*) exit 1 ;; *) echo 3.9 ;; esac
"""
PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "borrowed"
version = "1"
[tool.hatch.build.targets.wheel]
packages = ["borrowed"]
"""


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


class Project:
    """A folder with locks and the script, in which `.venv` is made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made = folder / ".venv" / "made"
        base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
        borrowing = BORROWING.format(python=base, packages=sysconfig.get_path("purelib"))
        self.python = executable(folder / "bin" / "python", borrowing)
        self.stopping = str(executable(folder / "bin" / "stopping", STOPPING.format(python=base)))
        """Makes no environment: the script stops with exit code 9 where it would make one."""
        for name in ("requirements.lock", "requirements-dev.lock"):
            (folder / name).write_text("")
        (folder / "pyproject.toml").write_text(PROJECT)
        (folder / "borrowed").mkdir()
        (folder / "borrowed" / "__init__.py").touch()

    def make(self, want: str = "running", *, python: str = "", named: bool = False, **environ: str) -> tuple[int, str]:
        """Runs the script; its exit code and all it said."""
        argv = [str(SCRIPT), want, python or str(self.python), *(["named"] if named else [])]
        done = subprocess.run(
            argv, cwd=self.folder, env={**os.environ, "GOALS": "test", "PIP_CONFIG_FILE": os.devnull, **environ},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Path]:
    project = Project(tmp_path_factory.mktemp("project"))
    code, said = project.make("dev")
    assert code == 0, said
    kept = project.folder / "kept"
    shutil.copytree(project.folder / ".venv", kept, symlinks=True)
    return project, kept


@pytest.fixture
def project(made_once: tuple[Project, Path]) -> Project:
    """The project with a `.venv` as it was made."""
    project, kept = made_once
    shutil.rmtree(project.folder / ".venv", ignore_errors=True)
    shutil.copytree(kept, project.folder / ".venv", symlinks=True)
    return project


def gone(project: Project) -> None:
    for link in (project.folder / ".venv" / "bin").glob("python*"):
        link.unlink()
        link.symlink_to("/no/such/python")


def replaced(project: Project) -> None:
    (project.made / "python").write_text("/usr cpython-310\n")


def moved(project: Project) -> None:
    (project.made / "folder").write_text("/elsewhere\n")


def interrupted(project: Project) -> None:
    (project.made / "python").unlink()


def older(project: Project) -> None:
    shutil.rmtree(project.made)


def relocked(project: Project) -> None:
    (project.made / "requirements.lock").write_text(NO_SUCH_PACKAGE)


def relocked_for_tests(project: Project) -> None:
    (project.made / "requirements-dev.lock").write_text(NO_SUCH_PACKAGE)


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (gone, "its Python is gone"),
        (replaced, "its Python was replaced"),
        (moved, "it was made in /elsewhere"),
        (interrupted, "it is not complete"),
        (older, "it is not complete"),
        (relocked, "requirements.lock changed"),
        (relocked_for_tests, "requirements-dev.lock changed"),
    ],
)
def test_what_cannot_be_used_is_noticed(project: Project, happens: Callable[[Project], None], reason: str) -> None:
    assert project.make("dev", python=project.stopping) == (0, "")
    happens(project)
    assert project.make("dev", python=project.stopping) == (9, f"Making .venv anew: {reason}\n")


def test_what_cannot_be_used_is_made_anew(project: Project) -> None:
    gone(project)
    code, said = project.make("dev")
    assert code == 0, said
    assert project.make("dev") == (0, "")
    command = [str(project.folder / ".venv" / "bin" / "python"), "-c", "import borrowed"]
    subprocess.run(command, cwd="/", check=True, timeout=30)


def test_another_python_is_taken_only_when_it_is_named(project: Project) -> None:
    other = str(executable(project.folder / "bin" / "other", ELSEWHERE.format(python=project.python)))
    assert project.make("dev", python=other) == (0, "")
    assert project.make("dev", named=True) == (0, "")
    reason = f"it was made with another Python than {other}"
    assert project.make("dev", python=other, named=True) == (9, f"Making .venv anew: {reason}\n")


def test_a_changed_lock_of_the_tests_is_none_of_the_demo(project: Project) -> None:
    relocked_for_tests(project)
    assert project.make("running", python=project.stopping) == (0, "")


def test_no_index_is_one_sentence(project: Project) -> None:
    (project.folder / "requirements.lock").write_text(NO_SUCH_PACKAGE)
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:1/simple", "PIP_FIND_LINKS": "", "PIP_EXTRA_INDEX_URL": ""}
    try:
        code, said = project.make(**nowhere)
    finally:
        (project.folder / "requirements.lock").write_text("")
    assert code == 1
    assert said.splitlines()[-1] == (
        "No package index can be reached, and .venv needs packages from one. Connect to the network, then run again: "
        "make test"
    )
    assert "WARNING" not in said


def test_a_python_that_is_too_old_or_missing_is_answered_with_the_whole_command(project: Project) -> None:
    interrupted(project)
    old = executable(project.folder / "bin" / "old", OLD)
    code, said = project.make(python=str(old), named=True)
    assert code == 1
    assert said.startswith(f"Senex needs Python 3.11 or newer and {old} is 3.9. Name a newer one: make test PYTHON=")
    code, said = project.make(python="/no/such/python")
    assert code == 1
    assert said.startswith(
        "There is no /no/such/python here. Install Python 3.11 or newer, or name yours: make test PYTHON="
    )
