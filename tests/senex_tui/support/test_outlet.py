"""The way out for text: never an error, never a character that steers a terminal, never a secret."""

from __future__ import annotations

import errno
import io
import os
import sys
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from core.runtime.redaction import redact
from senex_tui.support.outlet import Outlet, print_line

ENCODINGS = ("utf-8", "latin-1", "ascii", "cp1252", "cp437", "utf-16-le")
TEXTS = st.text(alphabet=st.characters(exclude_categories=[]))  # surrogates too


def printed(encoding: str, text: str) -> str:
    raw = io.BytesIO()
    outlet = Outlet(io.TextIOWrapper(raw, encoding, newline=""))
    assert outlet.write(text) == len(text)
    outlet.flush()
    assert outlet.lost is None
    return raw.getvalue().decode(encoding)


@given(TEXTS, st.sampled_from(ENCODINGS))
def test_any_text_is_printed_in_any_encoding_and_steers_nothing(text: str, encoding: str) -> None:
    assert all(c.isprintable() or c in "\n\t" for c in printed(encoding, text))


@given(st.text(alphabet=st.characters(codec="latin-1", exclude_categories=["Cc", "Cf", "Zs"])))
def test_what_an_encoding_has_is_printed_as_it_is(text: str) -> None:
    assert printed("utf-8", text) == text
    kept = text.translate({ord(c): None for c in "\u00b7\u00b0\u00d7"})
    assert printed("latin-1", kept) == kept


def test_what_it_lacks_gets_the_ascii_look_then_a_question_mark() -> None:
    assert printed("latin-1", "…4021 ● ON \u2212 10:45 to 14:45 Müller 株") == "~4021 * ON - 10:45 to 14:45 Müller ?"
    assert printed("ascii", "Müller") == "M?ller"


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_typer_writes_no_bytes_past_it(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """typer would write to the buffer of a stream in ASCII, in an encoding of its own choice."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding, newline="")
    monkeypatch.setattr(sys, "stdout", Outlet(stream))
    typer.echo("a\x1b]52;c;aGk=\x07b \x9b2J …")
    print_line("\u202eabc")
    stream.flush()
    dot, dots = ("·", "…") if encoding == "utf-8" else (".", "~")
    assert raw.getvalue().decode(encoding) == f"a{dot}]52;c;aGk={dot}b {dot}2J {dots}\n{dot}abc\n"


def test_a_secret_and_an_account_number_are_masked() -> None:
    redact.add("sample-secret-of-an-outlet")
    assert printed("utf-8", "sample-secret-of-an-outlet of 5WT14021") == "**** of …4021"


def test_a_full_disk_is_remembered_and_tried_again(tmp_path: Path) -> None:
    with open("/dev/full", "w", encoding="utf-8") as stream:
        outlet = Outlet(stream)
        outlet.write("lost\n")
        outlet.flush()
        assert outlet.lost is not None
        assert outlet.lost.errno == errno.ENOSPC
        assert not outlet.is_closed
        kept = os.open(tmp_path / "kept", os.O_WRONLY | os.O_CREAT)
        os.dup2(kept, stream.fileno())  # there is room again
        outlet.write("kept\n")
        outlet.flush()
        os.close(kept)
    assert (tmp_path / "kept").read_text().endswith("kept\n")


def test_a_reader_that_has_gone_is_no_error_and_nothing_more_is_tried() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", encoding="utf-8") as stream:
        outlet = Outlet(stream)
        for _ in range(3):
            outlet.write("nobody\n")
            outlet.flush()
        assert outlet.is_closed


def test_bytes_are_refused() -> None:
    with pytest.raises(TypeError):
        Outlet(io.TextIOWrapper(io.BytesIO())).write(b"")  # type: ignore[arg-type]
