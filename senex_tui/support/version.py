"""What `senex --version` prints: the version, and the commit where it is known."""

from __future__ import annotations

import json
import subprocess
from importlib.metadata import Distribution, distribution
from pathlib import Path

NAME = "senex-tui"
_SHOWN = 8
_WITHIN_S = 5.0
_ROOT = Path(__file__).parents[2]


def version_words() -> str:
    """`0.1.0`, and in brackets the commit: of a repository that it was installed from, or that it runs in."""
    installed = distribution(NAME)
    commit = _installed_commit(installed) or commit_of(_ROOT)
    return f"{installed.version} ({commit})" if commit else installed.version


def _installed_commit(installed: Distribution) -> str:
    """The commit that an installer noted, as `pip install git+https://...` does; empty without one."""
    noted = installed.read_text("direct_url.json")
    if noted is None:
        return ""
    try:
        return str(json.loads(noted)["vcs_info"]["commit_id"])[:_SHOWN]
    except (ValueError, KeyError, TypeError):
        return ""


def commit_of(folder: Path) -> str:
    """The commit of the repository whose top is this folder, with a + when files differ from it; empty without git."""
    if not (folder / ".git").exists():
        return ""
    asked = ("git", "-C", str(folder), "describe", "--always", "--dirty=+", f"--abbrev={_SHOWN}", "--exclude=*")
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=_WITHIN_S)  # noqa: S603 - git alone
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
