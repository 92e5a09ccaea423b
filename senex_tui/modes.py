"""Which mode a run has (SPEC 9), or why it does not start."""

from __future__ import annotations

from core.config import Settings
from core.snapshot import Mode
from senex_tui.refusals import Refused


def choose_mode(settings: Settings, *, live: bool) -> Mode:
    """The mode of the configured broker; `live` is the flag of the command line. Raises Refused."""
    if live or settings.trading.live:
        raise Refused(_live_refusal(settings, live=live))
    if settings.broker.sandbox:
        raise Refused(
            "sandbox arrives when reconciliation, breakers and full risk exist; "
            "set broker.sandbox = false for a dry run, or try `senex demo`."
        )
    return Mode.DEMO if settings.broker.url else Mode.DRY_RUN


def _live_refusal(settings: Settings, *, live: bool) -> str:
    if not live:
        return "trading.live is true in the settings but --live was not given; set trading.live = false for a dry run."
    if not settings.trading.live:
        return "--live was given but trading.live is not true in the settings; run without --live for a dry run."
    return (
        "live arrives when reconciliation, breakers and full risk exist; "
        "run without --live and with trading.live = false for a dry run."
    )
