"""`senex doctor` prints every row, whatever fails or hangs, and says what to do."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.config.folders import folders
from core.records.store.schema import newest_revision
from core.runtime.clock import SystemClock
from senex_tui.doctor.doctor import Check, Finding, Row, examine, exit_code, one, to_text
from senex_tui.doctor.machine import Setup, all_checks, mail_row
from tests.core.records.store.revision_1 import make_revision_1
from tests.e2e.simulated_broker import SimulatedBroker
from tests.support.empty_records import copy_empty_records
from tests.support.senex_command import Box

LOGIN = {"TT_SECRET": "secret-ok", "TT_REFRESH": "refresh-ok"}


def looked_at(box: Box, *arguments: str, **environ: str) -> tuple[int, dict[str, tuple[str, str, str]]]:
    """Runs `senex doctor`; returns the exit code, and for each name the finding, the text and what to do."""
    done = box.run(*arguments, "doctor", "--json", **environ)
    assert done.stderr == ""
    rows = json.loads(done.stdout)["rows"]
    assert [row["name"] for row in rows] == [
        "settings", "credentials", "broker", "clock", "feed", "calendar", "records", "lock", "redis", "mail", "phone",
        "ping", "disk", "halt", "terminal",
    ]  # fmt: skip
    assert all(row["todo"] for row in rows if row["finding"] in ("WARN", "FAIL"))
    return done.returncode, {row["name"]: (row["finding"], row["found"], row["todo"]) for row in rows}


def test_a_check_that_hangs_or_fails_takes_no_other_with_it() -> None:
    released = threading.Event()

    def halfway(post: object) -> None:
        assert callable(post)
        post(Row("first half", Finding.OK, "there"))
        released.wait(60)

    def failing() -> Row:
        raise ValueError("no [such] \x1b thing")

    checks = (
        one("hangs", lambda: Row("hangs", Finding.OK, str(released.wait(60))), "wait for it"),
        one("fails", failing, "mend it"),
        Check(("first half", "second half"), halfway, "look there"),
        one("works", lambda: Row("works", Finding.OK, "well"), ""),
    )
    began = time.monotonic()
    try:
        rows = examine(checks, SystemClock(), within_s=0.5)
    finally:
        released.set()
    assert time.monotonic() - began < 10
    late = "no answer within 0.5 s"
    assert rows == (
        Row("hangs", Finding.FAIL, late, "wait for it"),
        Row("fails", Finding.FAIL, "could not be looked at: the log has the details", "mend it"),
        Row("first half", Finding.OK, "there"),
        Row("second half", Finding.FAIL, late, "look there"),
        Row("works", Finding.OK, "well"),
    )
    assert exit_code(rows) == 1
    assert exit_code(rows[-1:]) == 0
    text = to_text(rows)
    assert text.splitlines()[0] == "FAIL  hangs        no answer within 0.5 s"
    assert text.splitlines()[1] == "                   -> wait for it"
    assert "\x1b" not in text


def test_all_is_well_with_a_simulated_broker(box: Box, simulator_url: str) -> None:
    code, rows = looked_at(box, "--data-dir", str(box.home / "d"), SENEX_BROKER__URL=simulator_url, **LOGIN)
    assert code == 0
    assert rows["broker"][:2] == ("OK", f"{simulator_url} took the login; 1 account; market open")
    assert rows["feed"][0] == "OK"
    assert rows["clock"][0] == "SKIP"
    assert {name for name, row in rows.items() if row[0] == "SKIP"} == {
        "clock", "records", "redis", "mail", "phone", "ping", "terminal"
    }  # fmt: skip
    refused, rows = looked_at(box, SENEX_BROKER__URL=simulator_url, TT_SECRET="secret-wrong", TT_REFRESH="refresh-ok")
    assert refused == 1
    assert rows["broker"][0] == "FAIL"
    assert "check TT_SECRET and TT_REFRESH" in rows["broker"][2]
    assert rows["feed"][:2] == ("SKIP", "the login was refused")


def test_what_cannot_be_read_of_the_brokers_answers_is_told(box: Box, simulator_url: str) -> None:
    """The only account cannot be read, and one of an unknown kind can."""
    broker = SimulatedBroker(int(simulator_url.rpartition(":")[2]))
    of_accounts = {"path": "/customers/me/accounts"}
    broker.trouble("rest-odd-field", count=None, value="no", match={"field": "is-closed", **of_accounts})
    broker.trouble("rest-foreign-item", count=None, match=of_accounts)
    code, rows = looked_at(box, SENEX_BROKER__URL=simulator_url, **LOGIN)
    assert code == 0
    finding, text, todo = rows["broker"]
    assert finding == "WARN"
    assert "1 account; market " in text
    assert text.endswith("; account …0001 is left out: it cannot be read (is-closed)")
    assert todo == "look at it at the broker; the rest is used"


def test_the_calendar_goes_by_the_markets_day_and_names_it(box: Box, simulator_url: str) -> None:
    """Not by the machine's, which has another date than the market that is simulated."""
    _, rows = looked_at(box, SENEX_BROKER__URL=simulator_url, **LOGIN)
    assert rows["calendar"][1].startswith(
        "Mon 2 Mar 2026: session until 16:00 ET; next session 2026-03-03; known until "
    )


def test_a_broker_that_never_answers_costs_seconds_only(box: Box) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        code, rows = looked_at(box, SENEX_BROKER__URL=url, **LOGIN)
        assert time.monotonic() - began < 25, "15 s, and a slow start"
    assert code == 1
    assert rows["broker"][0] == "FAIL"
    assert rows["feed"] == ("SKIP", "the broker does not answer", "")
    assert rows["calendar"][0] == "OK"


def test_broken_settings_and_records_are_rows_like_any_other(box: Box) -> None:
    records = box.home / "d" / "dry-run" / "records.sqlite3"
    box.write(records, "not a database, but long enough to be looked at as one" * 20)
    code, rows = looked_at(
        box, "--data-dir", str(box.home / "d"), SENEX_TRADING__WIDHT="5", SENEX_PING__INTERVAL_SECONDS="5"
    )
    assert code == 1
    assert rows["settings"][0] == "FAIL"
    assert "did you mean trading.width?" in rows["settings"][1]
    assert "ping.interval_seconds must be a whole number from 10 to 3600; 5 was given" in rows["settings"][1]
    assert rows["broker"][0] == "SKIP"
    assert (rows["records"][0], "cannot be read: file is not a database" in rows["records"][1]) == ("FAIL", True)
    assert rows["disk"][0] == "OK"


@pytest.mark.parametrize(("name", "halts"), [("HALT", "all entries"), ("HALT-ALL", "all entries and exits")])
def test_a_file_that_stops_every_mode_has_a_row(tmp_path: Path, name: str, halts: str) -> None:
    setup = Setup(folders(tmp_path), None, None)
    check = next(check for check in all_checks(setup) if check.names == ("halt",))
    assert examine([check], SystemClock())[0].finding is Finding.OK
    (tmp_path / name).symlink_to(tmp_path / "nowhere")
    assert examine([check], SystemClock()) == (
        Row("halt", Finding.WARN, f"the file {tmp_path / name} halts {halts}", "remove it to go on"),
    )


@pytest.mark.parametrize(("revision", "finding"), [("0001", "WARN"), ("9999", "FAIL")])
def test_records_of_another_version_say_what_happens_next(tmp_path: Path, revision: str, finding: str) -> None:
    setup = Setup(folders(tmp_path), None, None)
    setup.records_file.parent.mkdir()
    make_revision_1(setup.records_file)
    with closing(sqlite3.connect(setup.records_file, isolation_level=None)) as records:
        records.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    [check] = [check for check in all_checks(setup) if check.names == ("records",)]
    [row] = examine([check], SystemClock())
    assert row.finding == finding
    assert f"has schema revision {revision}" in row.found
    assert ("brings it up to date" if finding == "WARN" else "install the newer version") in row.todo


def test_records_with_orders_at_the_broker_are_of_this_version(tmp_path: Path) -> None:
    setup = Setup(folders(tmp_path), None, None)
    copy_empty_records(setup.records_file)
    with closing(sqlite3.connect(setup.records_file, isolation_level=None)) as records:
        records.execute("UPDATE alembic_version SET version_num = version_num || ' (resting at the broker: 71)'")
    [check] = [check for check in all_checks(setup) if check.names == ("records",)]
    [row] = examine([check], SystemClock())
    assert (row.finding, row.found.endswith(f"whole, revision {newest_revision()}")) == ("OK", True)


def test_a_records_file_that_is_a_link_is_told_before_it_keeps_the_console_from_starting(tmp_path: Path) -> None:
    setup = Setup(folders(tmp_path), None, None)
    setup.records_file.parent.mkdir()
    setup.records_file.symlink_to(tmp_path / "elsewhere")
    [check] = [check for check in all_checks(setup) if check.names == ("records",)]
    [row] = examine([check], SystemClock())
    assert (row.finding, row.found.endswith("is a link to another place: the console does not start")) == ("FAIL", True)
    assert row.todo.startswith("replace the link by the file itself")


@pytest.mark.parametrize("there", [True, False])
def test_a_mail_server_is_spoken_to_and_nothing_sent(there: bool) -> None:
    class Listens:
        """A socket that greets as an SMTP server does."""

        def __init__(self, server: socket.socket) -> None:
            self.heard = b""
            threading.Thread(target=self._serve, args=(server,), daemon=True).start()

        def _serve(self, server: socket.socket) -> None:
            client, _ = server.accept()
            with client:
                client.sendall(b"220 here\r\n")
                while part := client.recv(1000):
                    self.heard += part
                    client.sendall(b"221 bye\r\n" if part.startswith(b"QUIT") else b"250 well\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        listens = Listens(server) if there else None
        if not there:
            server.close()
        section = SimpleNamespace(host="127.0.0.1", port_used=port, security="none")
        row = mail_row(section)
    if listens is None:
        assert (row.finding, "trading goes on without it" in row.todo) == (Finding.WARN, True)
        return
    assert row == Row("mail", Finding.OK, f"127.0.0.1:{port} answers (none)")
    assert [line.split()[0] for line in listens.heard.splitlines()] == [b"EHLO", b"NOOP", b"QUIT"]


def test_a_mail_login_without_its_password_is_told_and_fails_nothing(box: Box) -> None:
    mail = {"HOST": "127.0.0.1", "PORT": "1", "SENDER": "a@b.test", "OPERATOR": "a@b.test", "USER": "someone"}
    environ = {f"SENEX_MAIL__{name}": value for name, value in mail.items()}
    _, rows = looked_at(box, **environ)
    assert rows["mail"][0] == "WARN"
    assert rows["mail"][1] == "mail.user is 'someone' but there is no password for it: no mail is sent"
    assert rows["mail"][2].startswith("set SENEX_MAIL_PASSWORD in the environment, or store it: keyring set senex")
    _, rows = looked_at(box, **environ, SENEX_MAIL_PASSWORD="a-word-for-the-post")
    assert (rows["mail"][0], "trading goes on without it" in rows["mail"][2]) == ("WARN", True)


def test_a_keyring_without_the_addresses_of_phones_is_told_and_fails_nothing(box: Box) -> None:
    _, rows = looked_at(box, SENEX_NOTIFY__KEYRING="true")
    assert rows["phone"][0] == "WARN"
    assert rows["phone"][1] == (
        "notify.keyring is true but the keyring gives no addresses, because it is locked or has none: "
        "no message reaches a phone of the keyring"
    )
    assert rows["phone"][2].startswith("store them with blanks between: keyring set senex")
