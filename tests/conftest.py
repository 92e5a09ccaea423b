"""Fixtures and pytest hooks for all tests."""

from __future__ import annotations

import gc
import os
import pwd
import random
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from core.records.store import database, schema
from core.runtime.gc import tune_gc
from core.runtime.redaction import redact
from tests.support import compiled_once, schema_once
from tests.support.longest_first import longest_first
from tests.support.memory_folder import keep_temporary_files_in
from tests.support.own_home import getpwuid_with, python_path_with
from tests.support.postgres_server import PostgresServer
from tests.support.proofs import TABLE_PROPERTY, rounds
from tests.support.record_samples import KEPT_IN_POSTGRES
from tests.support.run_summary import MOST_FAILURES, area_lines, commands_to_repeat
from tests.support.senex_command import Box
from tests.support.valkey import Valkey, running_valkey

REVISIONS = Path(__file__).parent / "core" / "records" / "store"
"""The tests of the schema's revisions."""
STORES = ("sqlite", "postgres")
CASES = 1
"""How many cases of each test of the records run on PostgreSQL in `make test`; `make proofs` runs all."""

# `make test` draws the same examples each time; `make proofs` looks for new ones.
settings.register_profile(
    "tests", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.register_profile(
    "proofs", settings.get_profile("tests"), max_examples=10_000, print_blob=True, derandomize=False
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "tests"))


keep_temporary_files_in()

# What a shell runs in the background ignores ctrl+c, and so would every process that a test starts and interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def own_state_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keeps the state folder of the tests apart from that of the user who runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(autouse=True, scope="session")
def own_home_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Gives the user a home of the tests in the system's list of users, from which the place of the account locks
    follows: no test leaves anything in the true one, and none waits for a console that runs there."""
    home = tmp_path_factory.mktemp("home-of-the-user")
    site = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pwd.getpwuid", getpwuid_with(home, pwd.getpwuid))
        patch.setenv("PYTHONPATH", python_path_with(home, site, os.environ.get("PYTHONPATH", "")))
        yield home


@pytest.fixture(autouse=True)
def secrets_of_this_test_only() -> Iterator[None]:
    """Makes the process forget the secrets and account numbers of a test when it ends."""
    given, learned, accounts = set(redact._given), tuple(redact._learned), set(redact._accounts)
    yield
    redact._given, redact._accounts = given, accounts
    redact._learned.clear()
    redact._learned.extend(learned)
    redact._renew()


@pytest.fixture(autouse=True)
def schema_made_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spares each new records file the revisions, except in the tests of the revisions themselves."""
    if REVISIONS not in request.path.parents:
        monkeypatch.setattr(schema, "_upgrade", schema_once.upgrade)


@pytest.fixture(autouse=True)
def statements_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spares each records file the compiling of the statements."""
    monkeypatch.setattr(database, "create_async_engine", compiled_once.engine)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL for all tests of this process; started for the first test that asks for it."""
    server = PostgresServer()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def shared_valkey() -> Iterator[Valkey]:
    """One Valkey for all tests of this process; started for the first test that asks for it."""
    with running_valkey() as server:
        yield server


@pytest.fixture
def valkey(shared_valkey: Valkey) -> Valkey:
    """The Valkey of this process, empty."""
    shared_valkey.reset()
    return shared_valkey


@pytest.fixture
def own_valkey() -> Iterator[Valkey]:
    """A Valkey for this test alone, which may stop or kill it."""
    with running_valkey() as server:
        yield server


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """A home folder and an environment for the command `senex`."""
    return Box(tmp_path)


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Runs the test twice: with the records in a SQLite file and in PostgreSQL.

    `url_of(path)` gives the address for any path below the test's folder. A test marked `sqlite` runs on the file only.
    """
    if request.param == "sqlite":
        yield request.param
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    KEPT_IN_POSTGRES.bind(tmp_path, server)
    yield request.param
    KEPT_IN_POSTGRES.release(tmp_path)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "store" in metafunc.fixturenames:
        stores = STORES[:1] if metafunc.definition.get_closest_marker("sqlite") else STORES
        metafunc.parametrize("store", stores, indirect=True)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Leaves out some of the tests on PostgreSQL, and puts those that take longest early.

    `make proofs` runs all of them. `make test` runs some cases of each test of the records, and some of each module
    that starts whole engines, chosen by the seed of the run. After the shuffling, the tests that have a time limit of
    their own come early (`longest_first`): they need it because they take long.
    """
    by_test: dict[str, list[pytest.Item]] = {}
    for item in items:
        case = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        if isinstance(item, pytest.Function) and case.get("store") == "postgres":
            whole = item.get_closest_marker("usefixtures") is not None
            by_test.setdefault(str(item.path) if whole else f"{item.path}::{item.originalname}", []).append(item)
    left_out: set[pytest.Item] = set()
    chance = random.Random(config.getoption("randomly_seed", 0))
    for name in sorted(by_test):
        cases = sorted(by_test[name], key=lambda item: item.nodeid)
        for item in cases:
            item.add_marker("proof")
        wanted = rounds(CASES if "::" in name else 1, len(cases))
        left_out.update(set(cases) - set(chance.sample(cases, min(len(cases), wanted))))
    items[:] = [item for item in items if item not in left_out]
    yield
    long = [item for item in items if item.get_closest_marker("timeout") is not None]
    others = [item for item in items if item.get_closest_marker("timeout") is None]
    items[:] = longest_first(long, others, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--areas", action="store_true", help="print the ten areas whose tests took the most time")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collects without the garbage collector: all that is made stays to the end, and each worker has to collect."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Exempts the modules imported so far from garbage collection: they stay to the end."""
    tune_gc()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints how to repeat what failed, the costly areas when asked, and the table of crash points and faults."""
    stats, options = terminalreporter.stats, terminalreporter.config.option
    failed = [report.nodeid for kind in ("failed", "error") for report in stats.get(kind, ())]
    if failed:
        again = commands_to_repeat(failed, getattr(options, "randomly_seed", 0))
        terminalreporter.write_line("\n".join(["To run again what failed:", *again[:MOST_FAILURES]]))
    if options.areas:
        tests = [report for reports in stats.values() for report in reports if isinstance(report, pytest.TestReport)]
        terminalreporter.write_line("\n".join(area_lines(tests)))
    # Only the report of the call: a test's properties are in the report of its teardown too.
    found = [report for reports in terminalreporter.stats.values() for report in reports]
    reports = [report for report in found if getattr(report, "when", "") == "call"]
    parts = [
        value for report in reports for name, value in getattr(report, "user_properties", ()) if name == TABLE_PROPERTY
    ]
    if parts:
        from tests.proofs.kill.table import Table  # deferred: it brings the simulator

        terminalreporter.write_line(Table.of(parts).markdown())
