"""The rules of an account's exits: the file's, its own, and the mode's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.config.exits import ExitSettings
from core.domain.positions.exit_rules import OwnExits, default_mode, rules_for, sent_for
from core.domain.positions.targets import TARGET_PERCENTS
from core.domain.positions.timing import EXIT_DTE
from core.domain.positions.tridents import ExitMode, ExitRules, HandsOff
from tests.support.trident_views import B
from tests.support.tridents import CALL, PUT_1, PUT_2


@pytest.mark.parametrize(
    ("setting", "live", "mode"),
    [
        (None, False, ExitMode.ALL),
        ("off", False, ExitMode.OFF),
        ("targets", False, ExitMode.TARGETS),
        (None, True, ExitMode.OFF),
        ("all", True, ExitMode.OFF),
    ],
)
def test_live_sends_nothing_by_a_setting(setting: str | None, live: bool, mode: ExitMode) -> None:
    assert default_mode(setting, live=live) is mode


def test_the_defaults_are_those_of_the_rules() -> None:
    assert ExitSettings().rules(live=False) == ExitRules(ExitMode.ALL, {PUT_1: 40, PUT_2: 60, CALL: 40}, 7)


def test_an_account_changes_only_what_is_its_own() -> None:
    default = ExitSettings(target_call="off", let_index_expire=True).rules(live=False)
    assert rules_for(OwnExits(), default) == default
    own = OwnExits(ExitMode.TARGETS, {PUT_1: "off", CALL: "50"}, 14, False, True)
    assert rules_for(own, default) == ExitRules(
        ExitMode.TARGETS, {PUT_1: None, PUT_2: 60, CALL: 50}, 14, let_index_expire=False, call_last=True
    )


def test_a_run_may_say_what_is_sent_whatever_the_settings_say() -> None:
    for live in (False, True):
        assert ExitSettings(mode="all").rules(live=live, mode=ExitMode.TARGETS).mode is ExitMode.TARGETS
    assert ExitSettings(mode="all").rules(live=True).mode is ExitMode.OFF


def test_the_ranges_are_those_that_the_rules_compute_with() -> None:
    assert TARGET_PERCENTS == (1, 95)
    assert EXIT_DTE == (1, 30)


@pytest.mark.parametrize(
    ("rules", "account", "managed", "left_alone", "sent"),
    [
        (ExitMode.ALL, ExitMode.ALL, True, HandsOff.NONE, ExitMode.ALL),
        (ExitMode.TARGETS, ExitMode.ALL, True, HandsOff.NONE, ExitMode.TARGETS),
        (ExitMode.ALL, ExitMode.TARGETS, True, HandsOff.NONE, ExitMode.ALL),
        (ExitMode.ALL, ExitMode.OFF, True, HandsOff.NONE, ExitMode.OFF),
        (ExitMode.OFF, ExitMode.ALL, True, HandsOff.NONE, ExitMode.OFF),
        (ExitMode.ALL, ExitMode.ALL, False, HandsOff.NONE, ExitMode.OFF),
        (ExitMode.ALL, ExitMode.ALL, True, HandsOff.RELEASED, ExitMode.OFF),
    ],
)
def test_what_is_sent_for_a_trident_is_said_by_its_rules_and_by_its_account(
    rules: ExitMode, account: ExitMode, managed: bool, left_alone: HandsOff, sent: ExitMode
) -> None:
    of = replace(B, rules=replace(B.rules, mode=rules), hands_off=left_alone)
    assert sent_for(of, account, managed=managed) is sent
    index = replace(of, cash_settled=True, rules=replace(of.rules, let_index_expire=True))
    expires = ExitMode.TARGETS if sent is ExitMode.ALL else sent
    assert sent_for(index, account, managed=managed) is expires, "it is let expire"
