"""The log holds no secret and no local variable, and the terminal stays clean."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.scrubber import Scrubber
from senex_tui.logs import set_up_logging


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before, level, raising = root.handlers[:], root.level, logging.raiseExceptions
    root.handlers = []
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers, logging.raiseExceptions = before, raising
    root.setLevel(level)
    logging.captureWarnings(False)


def test_secrets_are_masked_in_messages_arguments_and_tracebacks(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = set_up_logging(tmp_path / "logs", Scrubber("the-secret"))
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
    assert "three ****" in text
    assert "= 'a local variable'" not in text
    assert capfd.readouterr() == ("", "")


def test_libraries_write_warnings_only_whatever_level_they_set(tmp_path: Path) -> None:
    path = set_up_logging(tmp_path, Scrubber())
    library = logging.getLogger("tastytrade.streamer")
    library.setLevel(logging.DEBUG)
    library.debug("a frame")
    library.info("a connection")
    library.warning("a trouble")
    logging.getLogger("core.feed").info("ours")
    text = path.read_text()
    assert "a frame" not in text
    assert "a connection" not in text
    assert "a trouble" in text
    assert "ours" in text
    library.setLevel(logging.NOTSET)


def test_warnings_go_to_the_log(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = set_up_logging(tmp_path, Scrubber())
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old habit", stacklevel=1)
    assert "old habit" in path.read_text()
    assert capfd.readouterr().err == ""
