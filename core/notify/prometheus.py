"""Serves the figures as Prometheus text on this machine's loopback address, off unless a port is set (rules 12).

The endpoint answers on threads of its own, from the newest snapshot. A snapshot is replaced whole, so a scrape asks
nothing of the engine and cannot make it wait.
"""

from __future__ import annotations

import asyncio
import errno
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from core.domain.reporting.account_days import DayKind
from core.domain.reporting.figures import SessionFigures, Share
from core.domain.reporting.targets import Target
from core.snapshot import Automation, EngineState, Freshness, Health, Snapshot

if TYPE_CHECKING:
    from prometheus_client.core import Metric

LOOPBACK = "127.0.0.1"
Value = tuple[Mapping[str, str], int | Decimal]
"""Labels, and the value they stand for."""


class MetricsEndpoint:
    """Serves what `snapshot` returns on a port of the loopback address. `trouble` is called with the reason when it
    cannot."""

    def __init__(self, port: int, snapshot: Callable[[], Snapshot | None], trouble: Callable[[str, str], None]) -> None:
        """Port 0 takes a free port; `port` then says which."""
        self.port = port
        self._snapshot = snapshot
        self._trouble = trouble
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Serves until cancelled. When the port cannot be bound, that is reported once and nothing is served."""
        from prometheus_client import CollectorRegistry, start_http_server  # heavy, and not needed by default

        registry = CollectorRegistry()
        registry.register(self)
        try:
            # On a thread, because binding asks a resolver for the address's name, which may take time.
            server, thread = await asyncio.to_thread(start_http_server, self.port, LOOPBACK, registry)
        except OSError as error:
            self._trouble("metrics", _sentence(self.port, error))
            await asyncio.get_running_loop().create_future()
            return
        self.port = server.server_port
        self.ready.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await asyncio.to_thread(server.shutdown)
            server.server_close()
            thread.join()

    def collect(self) -> Iterator[Metric]:
        """Implements a collector of the client library. Called on the endpoint's threads."""
        snapshot = self._snapshot()
        return metrics_of(snapshot) if snapshot is not None else iter(())

    def describe(self) -> Iterator[Metric]:
        """Empty, so that registering the endpoint collects nothing."""
        return iter(())


def metrics_of(snapshot: Snapshot) -> Iterator[Metric]:
    """Every metric. Times are seconds, amounts dollars per share, shares 0..1; account numbers are masked."""
    yield from _status(snapshot)
    yield from _alerts(snapshot)
    if snapshot.figures is not None:
        yield from _figures(snapshot.figures)


def _status(snapshot: Snapshot) -> Iterator[Metric]:
    status = snapshot.status
    yield _one_of("engine_state", "The engine's state.", "state", [state.value for state in EngineState], status.engine)
    words = [word.value for word in Automation]
    yield _one_of("automation_state", "Whether entries are allowed.", "state", words, status.automation)
    yield _gauge("mode", "The mode, as a label.", [({"mode": status.mode.value}, 1)])
    parts = (("feed", status.feed), ("broker", status.broker), ("records", status.records))
    up = [({"part": name}, int(part.health is Health.OK)) for name, part in parts]
    yield _gauge("part_ok", "Whether a part works.", up)
    if status.now is not None:
        yield _gauge("market_time_seconds", "Market time, Unix seconds.", [({}, int(status.now.timestamp()))])
    live = [({"symbol": quote.symbol}, int(quote.freshness is Freshness.LIVE)) for quote in snapshot.quotes]
    yield _gauge("quote_live", "Whether the underlying's quote is fresh.", live)
    if snapshot.cycle is not None:
        yield _gauge("newest_cycle", "Number of the newest cycle.", [({}, snapshot.cycle.newest)])
        yield _gauge("cycle_running", "Whether a cycle runs.", [({}, int(snapshot.cycle.running))])
    entries = [{"account": o.account, "state": o.state, "underlying": o.underlying} for o in snapshot.orders]
    yield _counted("entries", "Today's entries and those of earlier days still open.", entries)
    breakers = [{"breaker": breaker.code, "whom": breaker.whom} for breaker in snapshot.breakers]
    yield _counted("breakers_open", "What stops entries now.", breakers)


def _alerts(snapshot: Snapshot) -> Iterator[Metric]:
    counts = [
        ({"severity": severity}, sum(alert.severity == severity for alert in snapshot.alerts))
        for severity in ("critical", "warning")
    ]
    yield _gauge("alerts_open", "Open alerts.", counts)
    kinds = [{"alert": a.code, "severity": a.severity, "account": a.whom} for a in snapshot.alerts]
    yield _counted("alert_open", "Open alerts by what they are about.", kinds)


def _figures(figures: SessionFigures) -> Iterator[Metric]:
    yield _gauge("sessions", "Sessions the figures are of.", [({}, len(figures.sessions))])
    days = [({"result": kind.name.lower()}, figures.count(kind)) for kind in DayKind]
    yield _gauge("account_days", "Account-days by what they came to.", days)
    targets = [({"figure": target.figure}, _target(target)) for target in Target]
    yield _gauge("target", "Targets of the figures, in the figures' own units.", targets)
    met = [({"figure": target.figure}, int(is_met)) for target in Target if (is_met := target.met(figures)) is not None]
    yield _gauge("target_met", "Whether the figure meets its target.", met)
    shares = (
        ("success_ratio", "Account-days with a fill, of those no rule or risk forbade.", figures.success),
        ("retry_ratio", "Cycles of more than one attempt, of those that reached pricing.", figures.retry),
        ("skipped_ratio", "Runs skipped, of those asked to trade.", figures.skipped),
        ("failed_ratio", "Runs failed or unknown, of those asked to trade.", figures.failed),
        ("risk_refused_ratio", "Runs risk refused, of those priced.", figures.risk),
    )
    for name, what, share in shares:
        if share.of:
            yield _gauge(name, what, [({}, _ratio(share))])
    runs = [({"outcome": r.outcome.value, "reason": r.reason}, r.share.count) for r in figures.reasons]
    yield _gauge("runs", "Runs that did not succeed, by reason.", runs)
    quantiles = (("0.5", figures.median_ms), ("0.95", figures.p95_ms))
    times = [({"quantile": name}, Decimal(ms) / 1000) for name, ms in quantiles if ms is not None]
    yield _gauge("execution_seconds", "Wall seconds from slot to acknowledgement.", times)
    rejected = dict(figures.pricing_rejections).get(figures.sessions[-1], 0) if figures.sessions else 0
    yield _gauge("pricing_rejections", "Pricing rejections of the newest session.", [({}, rejected)])
    if figures.mean_slippage is not None:
        what = "Mean credit of fills less the mid."
        yield _gauge("slippage_dollars_per_share", what, [({}, figures.mean_slippage)])


def _target(target: Target) -> Decimal:
    if target is Target.PRICING_REJECTIONS:
        return Decimal(target.number)
    return Decimal(target.number) / (1000 if target is Target.EXECUTION else 100)


def _ratio(share: Share) -> Decimal:
    return Decimal(share.count) / share.of


def _gauge(name: str, what: str, values: Sequence[Value]) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    labels = list(values[0][0]) if values else []
    family = GaugeMetricFamily(f"senex_{name}", what, labels=labels)
    for labelled, value in values:
        family.add_metric([labelled[label] for label in labels], float(value))
    return family


def _counted(name: str, what: str, labelled: Sequence[dict[str, str]]) -> Metric:
    """Counts things with the same labels. Labels must not repeat, and two masked account numbers may look alike."""
    counts = Counter(tuple(labels.items()) for labels in labelled)
    return _gauge(name, what, [(dict(labels), count) for labels, count in counts.items()])


def _one_of(name: str, what: str, label: str, words: list[str], now: str) -> Metric:
    return _gauge(name, what, [({label: word}, int(word == now)) for word in words])


def _sentence(port: int, error: OSError) -> str:
    why = {
        errno.EADDRINUSE: "another program has it; choose another metrics.port",
        errno.EACCES: "this user may not take it; choose a metrics.port above 1023",
    }.get(error.errno or 0, f"{error.strerror}; choose another metrics.port")
    return f"no figures for Prometheus on port {port}: {why}. Trading goes on."
