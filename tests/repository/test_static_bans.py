"""`make check` refuses what it forbids: each test writes a violation and sees it found (rules 13).

Forbidden are clock, sleep, chance, identifiers, the user's name, the interpreter and the output outside their modules,
floats in money, and formats of amounts and times outside theirs.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BANNED = {
    "wall clock": "from datetime import datetime\n\n\nat = datetime.now()\n",
    "utc clock": "from datetime import UTC, datetime\n\n\nat = datetime.now(UTC)\n",
    "day of the wall clock": "from datetime import date\n\n\nday = date.today()\n",
    "time": "import time\n\n\nat = time.time()\n",
    "monotonic": "import time\n\n\nat = time.monotonic()\n",
    "sleep": "import time\n\n\ntime.sleep(1)\n",
    "async sleep": "import asyncio\n\n\nasync def wait() -> None:\n    await asyncio.sleep(1)\n",
    "random": "import random\n\n\nchance = random\n",
    "from random": "from random import Random\n\n\nchance = Random\n",
    "numpy's random": "import numpy\n\n\nchance = numpy.random.default_rng()\n",
    "secrets": "import secrets\n\n\nname = secrets.token_hex()\n",
    "uuid": "import uuid\n\n\nname = uuid.uuid4()\n",
    "user of the environment": "import getpass\n\n\nwho = getpass.getuser()\n",
    "from getpass": "from getpass import getuser\n\n\nwho = getuser()\n",
    "user of the terminal": "import os\n\n\nwho = os.getlogin()\n",
    "interpreter": "import sys\n\n\ncommand = [sys.executable, '-m', 'core']\n",
    "standard output": "import sys\n\n\nsys.stdout.write('text')\n",
    "first standard output": "import sys\n\n\nout = sys.__stdout__\n",
    "first standard error": "import sys\n\n\nerr = sys.__stderr__\n",
    "echo": "import typer\n\n\ntyper.echo('text')\n",
    "from uuid": "from uuid import uuid4\n\n\nname = uuid4()\n",
}


def ruff(code: str, at: str) -> subprocess.CompletedProcess[str]:
    """The linter's output for this code at this path of the product."""
    command = [str(Path(sys.executable).parent / "ruff"), "check", "--no-cache", "--stdin-filename", at, "-"]
    return subprocess.run(command, input=code, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("ban", BANNED)
def test_the_linter_refuses_what_is_banned(ban: str) -> None:
    found = ruff(BANNED[ban], "core/violation.py")
    assert found.returncode == 1, found.stdout
    assert "TID251" in found.stdout, found.stdout


@pytest.mark.parametrize("at", ["senex_tui/violation.py", "widgets/violation.py", "core/domain/violation.py"])
def test_no_package_is_spared(at: str) -> None:
    found = ruff("".join(BANNED.values()), at)
    assert found.stdout.count("TID251") >= len(BANNED), found.stdout


@pytest.mark.parametrize(
    ("ban", "at"),
    [
        ("wall clock", "core/runtime/clock.py"),
        ("uuid", "core/runtime/ids.py"),
        ("interpreter", "core/runtime/children.py"),
        ("standard output", "senex_tui/support/outlet.py"),
    ],
)
def test_the_seams_may(ban: str, at: str) -> None:
    assert "TID251" not in ruff(BANNED[ban], at).stdout


def money_check(*files: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / ".ci" / "no_float_in_money.py"), *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_no_money_module_holds_a_float() -> None:
    found = money_check()
    assert found.returncode == 0, found.stdout


FLOATS = {
    "limit = 4.06": "the literal 4.06",
    "def price(mid: float) -> None: ...": "float",
    "def mid(bid: Decimal, ask: Decimal) -> float: return 0": "float",
    "credit = float(raw)": "float",
    "def age(self, price: float) -> None: ...": "float",
    "max_risk = 100 * (2 * width - 3.86)": "the literal 3.86",
    "ok = credit >= 0.05": "the literal 0.05",
    "order = Order(limit=4.06)": "the literal 4.06",
    "prices: dict[str, float] = {}": "float",
    "limits_s_and_price = (1, 4.06)": "the literal 4.06",
}


@pytest.mark.parametrize("code", FLOATS)
def test_a_float_in_money_is_found(code: str, tmp_path: Path) -> None:
    file = tmp_path / "violation.py"
    file.write_text(f"{code}\n")
    found = money_check(file)
    assert found.returncode == 1
    assert f"violation.py:1: {FLOATS[code]} in a money module" in found.stdout


@pytest.mark.parametrize(
    "code",
    ["MAX_AGE_S = 30.0", "def wait(seconds_s: float) -> None: ...", "stale = age_s > 30.0", "limit = Decimal('4.06')"],
)
def test_seconds_and_decimals_are_fine(code: str, tmp_path: Path) -> None:
    file = tmp_path / "violation.py"
    file.write_text(f"{code}\n")
    found = money_check(file)
    assert found.returncode == 0, found.stdout


def test_make_check_runs_both() -> None:
    makefile = (ROOT / "Makefile").read_text()
    recipe = makefile.split("\ncheck:", 1)[1].split("\n\n", 1)[0]
    assert "ruff check" in recipe
    assert ".ci/no_float_in_money.py" in recipe


def format_check(*files: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / ".ci" / "formats.py"), *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_text_formats_amounts_and_times_by_their_modules() -> None:
    found = format_check()
    assert (found.returncode, found.stdout) == (0, "")


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("text = f'{at:%H:%M}'", "'%H:%M'"),
        ("text = at.strftime('%Y-%m-%d %H:%M')", "'%Y-%m-%d %H:%M'"),
        ("text = f'{limit:.2f}'", "'.2f'"),
        ("text = format(limit, '.3f')", "'.3f'"),
        ("text = f'{risk:,.0f}'", "',.0f'"),
        ("text = f'{points:+.1f}'", "'+.1f'"),
        ("text = f'{risk:.0f} $ at most'", "'.0f'"),
        ("text = f'no answer: {type(error).__name__}'", "'__name__'"),
        ("log.info('no answer: %s', type(error).__name__)", "'__name__'"),
    ],
)
def test_a_format_of_its_own_is_refused(tmp_path: Path, code: str, what: str) -> None:
    written = tmp_path / "violation.py"
    written.write_text(f"{code}\n")
    found = format_check(written)
    assert (found.returncode, found.stdout.count("\n")) == (1, 1), found.stdout
    assert f"{written}:1: {what}" in found.stdout


def test_seconds_counts_and_plain_decimals_may_be_formatted(tmp_path: Path) -> None:
    written = tmp_path / "kept.py"
    written.write_text("text = f'{age_s:.1f} s, {old_s:,.0f} s, {count:>3}, {limit:f}, {name:<12}, {size:,} rows'\n")
    assert format_check(written).returncode == 0
