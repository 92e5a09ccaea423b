"""Which entry or closing order a command means: by its id or the beginning of it, or by its order's id at the
broker."""

from __future__ import annotations

from typing import TypeVar

from core.domain.orders.orders import Entry, Intent
from core.domain.orders.way_out import SHORT_ID
from core.records.records import Records

AnyOf = TypeVar("AnyOf", bound=Intent)


async def find_entries(records: Records, target: str) -> tuple[Entry, ...]:
    """The entries that `target` may mean, of any day; every open one when it is empty.

    Of several with this order id, because a broker began its ids again, only those that are open count.
    """
    open_now = await records.entries.open()
    if not target:
        return open_now
    named = await records.entries.these([target])
    if not named and len(target) >= SHORT_ID:
        named = await records.entries.beginning_with(target)
    if named:
        return named
    with_order = tuple(one for one in await records.intents.with_order(target) if isinstance(one, Entry))
    return _one_or_open(with_order, open_now)


async def find_intents(records: Records, target: str) -> tuple[Intent, ...]:
    """The entries and closing orders that `target` may mean, of any day; every open one when it is empty. Of several
    with this order id only those that are open count."""
    if not target:
        return await records.intents.open()
    named: tuple[Intent, ...] = (*await records.entries.these([target]), *await records.exits.these([target]))
    if not named and len(target) >= SHORT_ID:
        named = (*await records.entries.beginning_with(target), *await records.exits.beginning_with(target))
    if named:
        return named
    return _one_or_open(await records.intents.with_order(target), await records.intents.open())


def unnamed(target: str, kind: str, *, several: bool) -> str:
    """What there is not, as a refused command says it: the one intent that `target` means; without a target the only
    one of this kind. `several`: there is more than one."""
    named = f"entry or closing order {target!r}" if target else kind
    return f"single {named}; name one by its id" if several else named


def _one_or_open(with_order: tuple[AnyOf, ...], open_now: tuple[AnyOf, ...]) -> tuple[AnyOf, ...]:
    ids = {one.id for one in open_now}
    return with_order if len(with_order) == 1 else tuple(one for one in with_order if one.id in ids) or with_order
