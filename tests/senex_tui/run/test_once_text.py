"""What `senex once` prints for a person."""

from __future__ import annotations

from senex_tui.run.once import OnceResult


def test_the_fate_comes_first_and_amounts_have_the_one_format() -> None:
    account = {
        "account": "…0001",
        "told": "REJECTED: margin check failed",
        "tries": 2,
        "attempts": [
            {"attempt": 1, "underlying": "QQQ", "result": "REFUSED", "sentence": "a leg is crossed"},
            {"attempt": 2, "underlying": "QQQ", "result": "PASS", "sentence": ""},
        ],
        "order": {
            "order_id": "72463600001",
            "told": "REJECTED: margin check failed",
            "day": "it does not hold the day",
            "strikes": "624P/619P/624C/629C",
            "limit": "6.7450",
            "max_risk": "1325.5",
        },
    }

    text = OnceResult("failed", "rejected", [account], 7.4, "REJECTED: margin check failed").to_text()

    assert text.splitlines() == [
        "failed: REJECTED: margin check failed",
        "  account …0001: REJECTED: margin check failed, 2 attempts",
        "    1. QQQ REFUSED: a leg is crossed",
        "    2. QQQ PASS",
        "    order 72463600001: REJECTED: margin check failed; it does not hold the day",
        "    624P/619P/624C/629C at 6.745 credit, max risk 1,325.50 $",
    ]
