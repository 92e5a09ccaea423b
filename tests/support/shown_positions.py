"""What one simulated broker shows of positions, other than it has them: in both reads that tell of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from core.broker.port import AccountReads, Position
from core.simulator.in_process.broker import InProcessBroker

Shown = Callable[[tuple[Position, ...]], tuple[Position, ...]]


def show_positions(broker: InProcessBroker, shown: Shown) -> None:
    """From now on each read of positions gives what `shown` makes of them."""
    read_account, read_positions = broker.account_reads, broker.positions

    async def account_reads(number: str) -> AccountReads:
        reads = await read_account(number)
        return replace(reads, positions=shown(reads.positions))

    async def positions(number: str) -> tuple[Position, ...]:
        return shown(await read_positions(number))

    # Methods of this one instance.
    setattr(broker, "account_reads", account_reads)  # noqa: B010
    setattr(broker, "positions", positions)  # noqa: B010
