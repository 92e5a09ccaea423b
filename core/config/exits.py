"""The settings of exits: what is sent to close a trident, and when (rules 15.2, 15.3). An account may have its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from core.domain.operation.account_settings import TARGET_OFF

if TYPE_CHECKING:
    from core.domain.positions.tridents import ExitMode, ExitRules

_PERCENT = 'a whole number from 1 to 95, or "off"'


def _percent(value: Any) -> Any:
    if value == TARGET_OFF:
        return value
    if type(value) is not int or not 1 <= value <= 95:
        raise ValueError("not a percent of a target")
    return value


Percent = Annotated[int | str, BeforeValidator(_percent)]
Switch = Annotated[bool, Field(strict=True)]


class ExitSettings(BaseModel):
    """The `[exits]` section. A trident keeps those under which it was filled."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["off", "targets", "all"] | None = Field(
        default=None,
        title='"off", "targets" or "all"',
        description="which closing orders are sent: `off` none, `targets` profit targets, `all` targets and time "
        "exits. If not set: `all`. Ignored in live: there you switch each account on, by "
        "`senex --live accounts set NUMBER exits all`",
    )
    target_put_1: Percent = Field(
        default=40,
        title=_PERCENT,
        description="the first put spread is closed when it has earned this percent of its credit",
    )
    target_put_2: Percent = Field(
        default=60,
        title=_PERCENT,
        description="the second put spread is closed when it has earned this percent of its credit",
    )
    target_call: Percent = Field(
        default=40,
        title=_PERCENT,
        description="the call spread is closed when it has earned this percent of its credit",
    )
    exit_dte: Annotated[int, Field(strict=True)] = Field(
        default=7,
        ge=1,
        le=30,
        title="a whole number from 1 to 30",
        description="how many calendar days before the expiration the time exit begins",
    )
    let_index_expire: Switch = Field(
        default=False,
        title="true or false",
        description="true: a trident on SPX has no time exit, and its targets rest to its expiration",
    )
    call_target_last: Switch = Field(
        default=False,
        title="true or false",
        description="true: the target of the call is sent only after both puts are closed. false: the call may be "
        "closed first, and then the puts can lose more than the risk shown at the entry",
    )

    def rules(self, *, live: bool, mode: ExitMode | None = None) -> ExitRules:
        """The rules of an account without settings of its own. `mode` stands for what the settings and the broker would
        say."""
        # deferred: a command that only reads the settings needs none of it
        from core.domain.positions.exit_rules import default_mode, default_rules
        from core.domain.positions.units import UnitName

        percents = {
            UnitName.PUT_1: self.target_put_1,
            UnitName.PUT_2: self.target_put_2,
            UnitName.CALL: self.target_call,
        }
        return default_rules(
            default_mode(self.mode, live=live) if mode is None else mode,
            percents,
            self.exit_dte,
            let_index_expire=self.let_index_expire,
            call_last=self.call_target_last,
        )
