"""The mode of a run (rules 9), or why it does not start."""

from __future__ import annotations

from collections.abc import Sequence

from core.config.exposure import Exposure
from core.config.loader import Settings
from core.domain.operation.mode import Mode
from senex_tui.support.refusals import Refused


def choose_mode(settings: Settings, *, live: bool) -> Mode:
    """The mode of the configured broker; `live` is the flag of the command line. Raises Refused.

    Live needs the setting, the flag and the real broker: no mistake in one of them may trade live.
    """
    if live != settings.trading.live:
        raise Refused(_half_live(flag=live))
    if settings.broker.sandbox and settings.broker.url:
        raise Refused(
            "broker.sandbox and broker.url are both set and name different brokers; remove one from the settings."
        )
    if live:
        elsewhere = "broker.url" if settings.broker.url else "broker.sandbox" if settings.broker.sandbox else ""
        if elsewhere:
            raise Refused(
                f"{elsewhere} is set, and live trades at tastytrade only; "
                f"remove {elsewhere} from the settings, or set trading.live = false and leave --live out."
            )
        return Mode.LIVE
    if settings.broker.sandbox:
        return Mode.SANDBOX
    return Mode.DEMO if settings.broker.url else Mode.DRY_RUN


def refuse_exposed_live(mode: Mode, exposures: Sequence[Exposure]) -> None:
    """Raises Refused when a live console would send its records through a network unencrypted, or lets others write
    where they are."""
    barred = next((exposure.live for exposure in exposures if exposure.live), "")
    if mode is Mode.LIVE and barred:
        raise Refused(barred)


def _half_live(*, flag: bool) -> str:
    if flag:
        return (
            "--live was given but trading.live is not true in the settings; set it to trade live, "
            "or run without --live for a dry run."
        )
    return (
        "trading.live is true in the settings but --live was not given; give --live with every command (senex --live), "
        "or set trading.live = false for a dry run."
    )
