"""Which entry a command means: by its id or the beginning of it, or by its order's id at the broker."""

from __future__ import annotations

from core.domain.orders.orders import Entry
from core.domain.orders.way_out import SHORT_ID
from core.records.records import Records


async def find_entries(records: Records, target: str) -> tuple[Entry, ...]:
    """The entries that `target` may mean, of any day; every open one when it is empty.

    Of several with this order id, because a broker began its ids again, only those that are open count.
    """
    if not target:
        return await records.entries.open()
    named = await records.entries.these([target])
    if not named and len(target) >= SHORT_ID:
        named = await records.entries.beginning_with(target)
    if named:
        return named
    with_order = tuple(one for one in await records.intents.with_order(target) if isinstance(one, Entry))
    open_now = {entry.id for entry in await records.entries.open()}
    still_open = tuple(entry for entry in with_order if entry.id in open_now)
    return with_order if len(with_order) == 1 else still_open or with_order


def unnamed(target: str, kind: str, *, several: bool) -> str:
    """What there is not, as a refused command says it: the one entry that `target` means; without a target the only
    one of this kind. `several`: there is more than one."""
    named = f"entry {target!r}" if target else kind
    return f"single {named}; name one by its id" if several else named
