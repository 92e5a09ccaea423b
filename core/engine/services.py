"""The services that run only where the settings ask for them."""

from __future__ import annotations

from core.engine.parts import EngineParts
from core.engine.snapshot_builder import SnapshotBuilder
from core.engine.tasks import Service
from core.notify.heartbeat import Heartbeat
from core.notify.prometheus import MetricsEndpoint
from core.orders.open_tridents import OpenTridents
from core.runtime.bus import Bus


def chosen_services(
    parts: EngineParts, bus: Bus, builder: SnapshotBuilder, tridents: OpenTridents
) -> dict[str, Service]:
    """The services that settings and intervals ask for, by name."""
    services: dict[str, Service] = {}
    settings, every_s = parts.settings, parts.intervals.positions_s
    if settings.ping.url is not None:
        sign = Heartbeat(settings.ping.url, settings.ping.interval_seconds, parts.clock, builder.note)
        builder.health.ping = lambda: sign.trouble
        services["ping"] = sign.run
    if parts.settings_watch is not None:
        services["settings"] = parts.settings_watch(bus, parts.clock).run
    if every_s is not None:
        services["open tridents"] = lambda: tridents.run(every_s)
    if settings.metrics.port is not None:
        services["metrics"] = MetricsEndpoint(settings.metrics.port, lambda: builder.snapshot, builder.warn).run
    return services
