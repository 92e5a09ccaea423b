"""The broker's codes are kept for programs and shown to nobody."""

from __future__ import annotations

import pytest

from core.domain.operation.broker_words import without_codes
from core.domain.operation.reasons import Reason, refuse


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("margin_check_failed: 12 $ are missing", "12 $ are missing"),
        ("one_code: this; other_code: that", "this; that"),
        ("dry run: opposing_order: an order works", "dry run: an order works"),
        ("no answer within 10 s", "no answer within 10 s"),
        ("/srv/senex_data: permission denied", "/srv/senex_data: permission denied"),
        ("", ""),
    ],
)
def test_codes_before_messages_are_left_out(said: str, shown: str) -> None:
    assert without_codes(said) == shown


def test_a_refusal_tells_the_message_and_keeps_the_code() -> None:
    refused = refuse(Reason.DRY_RUN_REFUSED, detail="tif_not_allowed: not today.")
    assert refused.sentence() == "the broker's dry run refused: not today"
    assert refused.recorded() == "the broker's dry run refused: tif_not_allowed: not today"
