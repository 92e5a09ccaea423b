"""`senex backup` names its copy and never replaces a file."""

from __future__ import annotations

import asyncio

from core.records.records import Records
from tests.support.senex_command import Box


def test_the_copy_is_named_with_its_size_and_never_replaced(box: Box) -> None:
    data = box.home / "d"
    none = box.run("--data-dir", str(data), "backup")
    assert (none.returncode, none.stdout) == (2, "")
    assert "there are no records yet" in none.stderr

    async def start() -> None:
        await (await Records.open(f"sqlite+aiosqlite:///{data / 'dry-run' / 'records.sqlite3'}")).close()

    asyncio.run(start())
    done = box.run("backup", "--data-dir", str(data))
    [copy] = (data / "backups").glob("dry-run-*.sqlite3")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{copy}: {copy.stat().st_size:,} bytes, read back and whole")
    again = box.run("backup", "--data-dir", str(data), str(copy))
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == f"senex: {copy} exists already; name another file, or remove it first\n"
