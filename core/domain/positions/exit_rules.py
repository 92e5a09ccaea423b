"""The rules under which the exits of an account's tridents are sent: its own settings, else the defaults (rules
15.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.domain.operation.account_settings import TARGET_OFF
from core.domain.operation.accounts import own_or_default
from core.domain.positions.tridents import ExitMode, ExitRules, HandsOff, ManagedTrident
from core.domain.positions.units import UnitName


@dataclass(frozen=True, slots=True)
class OwnExits:
    """What an account has of its own; None, and a target that is not there, stand for the default. A target is in the
    word that sets it: a percent, or `off`."""

    mode: ExitMode | None = None
    targets: Mapping[UnitName, str] = field(default_factory=dict)
    exit_dte: int | None = None
    let_index_expire: bool | None = None
    call_last: bool | None = None


def default_mode(setting: str | None, *, live: bool) -> ExitMode:
    """The mode of an account that has none of its own. In live nothing is sent until its operator says so; elsewhere
    the setting counts, and without one everything is sent."""
    if live:
        return ExitMode.OFF
    return ExitMode.ALL if setting is None else ExitMode(setting)


def default_rules(
    mode: ExitMode,
    targets: Mapping[UnitName, int | str],
    exit_dte: int,
    *,
    let_index_expire: bool,
    call_last: bool,
) -> ExitRules:
    """The rules of an account without settings of its own. Each target is a percent, or `off`."""
    percents = {name: None if targets[name] == TARGET_OFF else int(targets[name]) for name in UnitName}
    return ExitRules(mode, percents, exit_dte, let_index_expire, call_last)


def rules_for(own: OwnExits, default: ExitRules) -> ExitRules:
    """The rules of an account that has these settings of its own."""
    targets = dict(default.targets)
    targets.update({name: None if word == TARGET_OFF else int(word) for name, word in own.targets.items()})
    return ExitRules(
        mode=own_or_default(own.mode, default.mode),
        targets=targets,
        exit_dte=own_or_default(own.exit_dte, default.exit_dte),
        let_index_expire=own_or_default(own.let_index_expire, default.let_index_expire),
        call_last=own_or_default(own.call_last, default.call_last),
    )


def sent_for(trident: ManagedTrident, account: ExitMode, *, managed: bool) -> ExitMode:
    """What is sent for a trident of an account with this mode: by its own rules, unless exits are off for the account,
    or it is not `managed` or left alone. One that is let expire has targets alone."""
    if account is ExitMode.OFF or not managed or trident.hands_off is not HandsOff.NONE:
        return ExitMode.OFF
    rules = trident.rules
    lets_expire = trident.cash_settled and rules.let_index_expire
    return ExitMode.TARGETS if rules.mode is ExitMode.ALL and lets_expire else rules.mode
