"""What a cancel means that the broker refused: most often the order had ended before the cancel arrived (rules 9)."""

from __future__ import annotations

import logging

from core.broker.port import Broker, BrokerError
from core.domain.orders.orders import Entry
from core.orders.attribution import entry_of
from core.orders.tracker import OrderTracker
from core.records.records import Records

log = logging.getLogger(__name__)


async def entry_after_refusal(broker: Broker, records: Records, tracker: OrderTracker, entry: Entry) -> Entry:
    """The entry as the broker's answer about just its order leaves it: the alert that says how it ended may come later
    than the refusal. An answer that does not come leaves it as recorded. Raises RecordsError."""
    try:
        report = await broker.order(entry.account, entry.order_id or "")
    except BrokerError as error:
        log.warning("order %s could not be read after its cancel was refused: %s", entry.order_id, error.detail)
    else:
        owner = await entry_of(records.entries, report)
        if owner is not None and owner.id == entry.id:
            return await tracker.apply(entry.id, report, by_id=True)
    return await records.entries.get(entry.id)
