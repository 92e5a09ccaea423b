"""What of ours rests at the broker, beside the number of the schema's revision.

Every version that was ever shipped prints that text when it refuses to open records of a newer version: so whoever goes
back to an older one is told which closing orders work on without a console.
"""

from __future__ import annotations

from sqlalchemy import bindparam, column, func, select, table, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.operation.accounts import shown_end
from core.domain.operation.amounts import counted
from core.domain.orders.order_states import OrderState
from core.domain.positions.exits import Exit
from core.records.store.schema import newest_revision
from core.records.store.tables import exits

ACCOUNTS = 3
"""Of so many accounts the orders are named; the others are counted."""
ORDERS = 6
"""So many orders of an account are named."""
_RESTS = frozenset({OrderState.WORKING, OrderState.UNKNOWN})
_resting = (exits.c.state.in_([state.value for state in _RESTS]), exits.c.order_id.is_not(None))
_COUNTS = select(exits.c.account, func.count()).where(*_resting).group_by(exits.c.account).order_by(exits.c.account)
_ORDERS_OF = (
    select(exits.c.order_id)
    .where(*_resting, exits.c.account == bindparam("account"))
    .order_by(exits.c.prepared_at, exits.c.id)
    .limit(ORDERS)
)
_STORE = update(table("alembic_version", column("version_num")))


def rests(exit: Exit) -> str | None:
    """The id of the exit's order while it may rest at the broker."""
    return exit.order_id if exit.state in _RESTS else None


async def note_resting(connection: AsyncConnection) -> None:
    """Writes beside the revision which orders of ours rest at the broker, within a commit."""
    text = await _text(connection)
    await connection.execute(_STORE.values(version_num=f"{newest_revision()}{text}"))


async def _text(connection: AsyncConnection) -> str:
    counts = [(row[0], row[1]) for row in await connection.execute(_COUNTS)]
    if not counts:
        return ""
    named = []
    for account, count in counts[:ACCOUNTS]:
        ids = (await connection.execute(_ORDERS_OF, {"account": account})).scalars().all()
        more = f" and {count - len(ids)} more" if count > len(ids) else ""
        named.append(f"{counted(count, 'closing order')} of …{shown_end(account)}: {', '.join(ids)}{more}")
    rest = counts[ACCOUNTS:]
    if rest:
        orders = counted(sum(count for _, count in rest), "closing order")
        named.append(f"{orders} of {counted(len(rest), 'other account')}")
    return f" (resting at the broker: {'; '.join(named)}; cancel them first: senex exits cancel)"
