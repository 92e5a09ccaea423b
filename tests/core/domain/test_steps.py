"""A step has one name for people; what the records keep of it never changes."""

from __future__ import annotations

from core.domain.operation.events import Step


def test_each_step_has_one_name_in_the_order_of_the_cycle() -> None:
    assert [step.word for step in Step] == [
        "guard", "market", "account", "judgement", "strikes", "quotes", "pricing", "risk", "limit", "send",
    ]  # fmt: skip


def test_the_records_keep_the_values_and_kinds_they_always_had() -> None:
    assert [(step.value, step.event_kind) for step in Step] == [
        ("guard", "step.entry_today"),
        ("market", "step.market_open"),
        ("account", "step.account"),
        ("judge", "step.judgement"),
        ("strikes", "step.structure"),
        ("quotes", "step.quotes"),
        ("price", "step.pricing"),
        ("risk", "step.risk"),
        ("limit", "step.entry_price"),
        ("send", "step.send"),
    ]
