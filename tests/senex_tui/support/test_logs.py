"""The log: one JSON line per event, without secrets, account numbers or local variables; the terminal stays clean."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import stat
import threading
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from structlog.contextvars import bound_contextvars

from core.domain.operation.events import Event, Severity, Step, StepResult
from core.domain.operation.reasons import Reason
from core.notify.event_log import log_event
from core.runtime.redaction import Redactor
from senex_tui.support.logs import set_up_logging
from senex_tui.support.refusals import sentences_for

ACCOUNT = "5WT12345"


pytestmark = pytest.mark.usefixtures("logging_as_before")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_link_in_place_of_the_log_is_refused_and_its_target_left_alone(tmp_path: Path) -> None:
    target, logs = tmp_path / "target", tmp_path / "logs"
    target.write_text("somebody else's\n")
    target.chmod(0o644)
    logs.mkdir()
    (logs / "senex.log").symlink_to(target)
    with pytest.raises(OSError, match="symbolic links") as refused:
        set_up_logging(logs, Redactor())
    assert sentences_for(refused.value) == (
        f"{logs}/senex.log is a link where a file of its own is needed; remove the link, or use --data-dir.",
    )
    assert (target.read_text(), stat.S_IMODE(target.stat().st_mode)) == ("somebody else's\n", 0o644)


def test_a_pipe_in_place_of_the_log_does_not_hold_up_the_start(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "senex.log")
    with pytest.raises(OSError, match="No such device") as refused:
        set_up_logging(tmp_path, Redactor())
    assert sentences_for(refused.value)


def test_secrets_are_masked_in_messages_arguments_and_tracebacks(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = set_up_logging(tmp_path / "logs", Redactor("the-secret"))
    log = logging.getLogger("core.somewhere")
    log.info("one %s", "the-secret")
    log.info("two Bearer abc.def")
    try:
        local = "a local variable"
        raise ValueError(f"three the-secret {len(local)}")
    except ValueError:
        log.exception("failed")
    text = path.read_text()
    assert "the-secret" not in text
    assert "abc.def" not in text
    assert "= 'a local variable'" not in text
    one, two, failed = lines(path)
    assert (one["event"], two["event"]) == ("one ****", "two Bearer ****")
    assert (failed["level"], failed["event"]) == ("error", "failed")
    assert (failed["error_type"], failed["error"]) == ("ValueError", "three **** 16")
    assert failed["traceback"].startswith("Traceback (most recent call last)")
    assert failed["traceback"].endswith("ValueError: three **** 16\n")
    assert capfd.readouterr() == ("", "")


def test_a_secret_that_json_spells_otherwise_is_masked_too(tmp_path: Path) -> None:
    secret = 'quo"te\\back\u00e9'
    path = set_up_logging(tmp_path, Redactor(secret))
    logging.getLogger("core").warning("%s and %r", secret, {"in": secret}, extra={"figures": {secret: secret}})
    [line] = lines(path)
    assert line["figures"] == {"****": "****"}
    assert line["event"].startswith("**** and ")
    assert secret not in json.dumps(line, ensure_ascii=False)
    assert json.dumps(secret)[1:-1] not in path.read_text()


def test_an_event_of_the_engine_is_one_line_with_its_fields(tmp_path: Path) -> None:
    path = set_up_logging(tmp_path, Redactor())
    event = Event(
        at=datetime(2026, 3, 2, 14, 45, tzinfo=UTC),
        kind="step.pricing",
        text="two\nlines",
        severity=Severity.WARNING,
        cycle=7,
        attempt=2,
        account=ACCOUNT,
        underlying="QQQ",
        step=Step.PRICING,
        result=StepResult.REFUSED,
        reason=Reason.LEG_STALE,
        figures=(("age", 31),),
        duration_ms=12,
    )
    log_event(event)
    [line] = lines(path)
    at = datetime.fromisoformat(line.pop("at"))
    assert at.utcoffset() is not None
    assert line == {
        "level": "warning",
        "logger": "senex.engine",
        "event": "two\nlines",
        "kind": "step.pricing",
        "market_at": "2026-03-02T14:45:00+00:00",
        "cycle": 7,
        "account": "…2345",
        "attempt": 2,
        "underlying": "QQQ",
        "step": "price",
        "result": "refused",
        "reason": "leg_stale",
        "figures": {"age": "31"},
        "duration_ms": 12,
    }


async def test_every_line_of_a_task_carries_what_was_bound_there(tmp_path: Path) -> None:
    path = set_up_logging(tmp_path, Redactor())

    async def work(number: int) -> None:
        with bound_contextvars(cycle=number):
            await asyncio.sleep(0)
            logging.getLogger("tastytrade").warning("of %s", number)

    await asyncio.gather(work(1), work(2))
    logging.getLogger("core").info("of none")
    assert [(line["event"], line.get("cycle")) for line in lines(path)] == [("of 1", 1), ("of 2", 2), ("of none", None)]


def test_account_numbers_known_from_discovery_are_shown_by_their_last_four(tmp_path: Path) -> None:
    scrubber = Redactor()
    path = set_up_logging(tmp_path, scrubber)
    scrubber.add_accounts(ACCOUNT)
    logging.getLogger("httpx2").warning("GET /accounts/%s/orders", ACCOUNT)
    assert lines(path)[0]["event"] == "GET /accounts/…2345/orders"


def test_libraries_write_warnings_only_whatever_level_they_set(tmp_path: Path) -> None:
    path = set_up_logging(tmp_path, Redactor())
    library = logging.getLogger("tastytrade.streamer")
    library.setLevel(logging.DEBUG)
    library.debug("a frame")
    library.info("a connection")
    library.warning("a trouble")
    logging.getLogger("core.market.feed").info("ours")
    assert [line["event"] for line in lines(path)] == ["a trouble", "ours"]
    library.setLevel(logging.NOTSET)


def test_warnings_and_threads_that_fail_go_to_the_log(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = set_up_logging(tmp_path, Redactor("the-secret"))
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old habit", stacklevel=1)

    def fail() -> None:
        raise ValueError("the-secret")

    thread = threading.Thread(target=fail, name="engine")
    thread.start()
    thread.join()
    told = lines(path)
    assert "old habit" in told[0]["event"]
    assert (told[1]["event"], told[1]["error"]) == ("thread engine failed", "****")
    assert capfd.readouterr() == ("", "")


def test_the_files_are_this_users_alone_and_rotate_under_several_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("senex_tui.support.logs.LARGEST_BYTES", 2_000)
    path = set_up_logging(tmp_path, Redactor())
    ours = logging.getLogger().handlers[:]
    set_up_logging(
        tmp_path, Redactor()
    )  # closes the first handler, which opens its file again as another process would
    other = logging.getLogger().handlers[:]
    for number in range(60):
        for handler in ours if number % 2 else other:
            record = logging.LogRecord("core", logging.INFO, "", 0, "line %s", (number,), None)
            handler.handle(record)
    files = sorted(tmp_path.iterdir())
    assert 1 < len(files) <= 6
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    assert all(file.stat().st_size <= 2_000 for file in files)
    told = [line["event"] for file in sorted(files, key=lambda f: f.name, reverse=True) for line in lines(file)]
    newest_first = [line for file in [path, *(Path(f"{path}.{n}") for n in range(1, 6))] if file.exists()
                    for line in reversed(lines(file))]  # fmt: skip
    assert sorted(told, key=lambda text: int(text.split()[1])) == [line["event"] for line in reversed(newest_first)]
    assert told[0].startswith("line ")
    for handler in ours:
        handler.close()


def test_nothing_in_the_file_steers_a_terminal(tmp_path: Path) -> None:
    """People read it with `tail`: what the broker or a mail server answered must stay text."""
    words = "\x1b]52;c;QUJD\x07 \x9b31m \u202e \x7f \U000e0001 ä …"
    log = set_up_logging(tmp_path, Redactor())
    logging.getLogger("senex.test").error(words)
    text = log.read_text(encoding="utf-8")
    assert all(c.isprintable() for c in text.rstrip("\n"))
    assert "ä …" in text
    assert [line["event"] for line in lines(log)] == [words]
