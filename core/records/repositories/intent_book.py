"""All intents, whatever they are for: what follows orders at the broker asks and writes here (rules 9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, cast

from sqlalchemy import Select, bindparam, select

from core.domain.orders.orders import AnyIntent, Intent, IntentKind
from core.records.repositories.entries import Entries
from core.records.repositories.exits import Exits
from core.records.repositories.intent_rows import read_evidence
from core.records.repositories.intents import Intents
from core.records.repositories.rows import EvidenceRecord, Watched
from core.records.store.database import Database
from core.records.store.errors import StateConflict
from core.records.store.tables import intent_orders, intents

_KINDS = select(intents.c.id, intents.c.kind)
_BY_ID = _KINDS.where(intents.c.id == bindparam("id"))
_BY_IDENTIFIER = _KINDS.where(intents.c.identifier == bindparam("identifier"))
_ORDERS = _KINDS.join(intent_orders, intent_orders.c.intent_id == intents.c.id).where(
    intent_orders.c.order_id == bindparam("order_id")
)
_BY_ORDER = _ORDERS.where(intent_orders.c.account == bindparam("account"))
_BY_ORDER_OF_DAY = _BY_ORDER.where(intents.c.session_day == bindparam("session_day"))


class IntentBook:
    """Reads intents of every kind, and gives the repository that changes one. Each read raises RecordsError when the
    store fails."""

    def __init__(self, database: Database, entries: Entries, exits: Exits) -> None:
        self._database = database
        self._repositories: Mapping[IntentKind, Entries | Exits] = {IntentKind.ENTRY: entries, IntentKind.EXIT: exits}
        # An intent never changes its kind, nor its identifier.
        self._kinds: dict[str, IntentKind] = {}
        self._identified: dict[str, str] = {}

    def of(self, intent: AnyIntent) -> Intents[AnyIntent]:
        """The repository of the intent's kind."""
        return cast(Intents[AnyIntent], self._repositories[intent.KIND])

    async def get(self, intent_id: str) -> Intent:
        """The intent with our id. Raises StateConflict when there is none."""
        if intent_id not in self._kinds and not await self._ids(_BY_ID, id=intent_id):
            raise StateConflict(f"no intent {intent_id} is recorded")
        return await self._get(intent_id)

    async def evidence(self, intent_id: str) -> tuple[EvidenceRecord, ...]:
        """Everything that was seen of the intent, oldest first."""
        async with self._database.read() as connection:
            return await read_evidence(connection, intent_id)

    async def by_identifier(self, identifier: str) -> Intent | None:
        """The intent whose order carries our identifier at the broker."""
        return None if await self.kind_of(identifier) is None else await self._get(self._identified[identifier])

    async def kind_of(self, identifier: str) -> IntentKind | None:
        """The kind of the intent with this identifier, None without one. It is read once where there is one."""
        if identifier not in self._identified:
            for intent_id in await self._ids(_BY_IDENTIFIER, identifier=identifier):
                self._identified[identifier] = intent_id
        known = self._identified.get(identifier)
        return None if known is None else self._kinds[known]

    async def by_order(self, order_id: str, account: str, day: date | None = None) -> Intent | None:
        """The newest intent of the account that has or had this order at the broker.

        `day` leaves only intents of that session day: a broker may begin its ids again.
        """
        if day is None:
            found = await self._ids(_BY_ORDER, order_id=order_id, account=account)
        else:
            found = await self._ids(_BY_ORDER_OF_DAY, order_id=order_id, account=account, session_day=day)
        known = await self.these(found)
        return known[-1] if known else None

    async def with_order(self, order_id: str) -> tuple[Intent, ...]:
        """The intents of any account that have or had an order with this id at the broker, oldest first."""
        return await self.these(await self._ids(_ORDERS, order_id=order_id))

    async def these(self, ids: Sequence[str]) -> tuple[Intent, ...]:
        """The intents with these ids of ours, which a read of this book has found before, oldest first."""
        found: list[Intent] = []
        for kind, repository in self._repositories.items():
            of_kind = [one for one in ids if self._kinds.get(one) is kind]
            if of_kind:
                found += await repository.these(of_kind)
        return _oldest_first(found)

    async def being_sent(self) -> tuple[Intent, ...]:
        """Every intent that is prepared, or sent without a recorded outcome, oldest first."""
        return _oldest_first([one for each in self._repositories.values() for one in await each.being_sent()])

    async def open(self) -> tuple[Intent, ...]:
        """Every intent, of any day, whose order may still change or is being sent, oldest first."""
        return _oldest_first([one for each in self._repositories.values() for one in await each.open()])

    async def followed(self, since: date) -> tuple[Intent, ...]:
        """The intents of all accounts whose end at the broker was not seen (`KindReads.followed`), oldest first."""
        return _oldest_first([one for each in self._repositories.values() for one in await each.followed(since)])

    async def looked_at(self, since: date, account: str) -> tuple[Intent, ...]:
        """Every intent of the account whose order may still change or is being sent, and those that are `followed`,
        oldest first."""
        found = [one for each in self._repositories.values() for one in await each.looked_at(since, account)]
        self._kinds |= {one.id: one.KIND for one in found}
        return _oldest_first(found)

    async def watched(self, since: date, today: date) -> tuple[Watched, ...]:
        """What says how often each account with a sent intent that is followed, or is of `today`, is looked at."""
        return tuple([one for each in self._repositories.values() for one in await each.watched(since, today)])

    async def waiting(self, day: date) -> tuple[Intent, ...]:
        """The intents that only time and evidence settle (`KindReads.waiting`), oldest first."""
        return _oldest_first([one for each in self._repositories.values() for one in await each.waiting(day)])

    async def _get(self, intent_id: str) -> Intent:
        """An intent whose kind is known here."""
        found: Intent = await self._repositories[self._kinds[intent_id]].get(intent_id)
        return found

    async def _ids(self, query: Select[Any], **values: object) -> list[str]:
        """The ids that the query finds, each once. Their kinds are known here afterwards."""
        async with self._database.read() as connection:
            rows = (await connection.execute(query, values)).all()
        self._kinds |= {row.id: IntentKind(row.kind) for row in rows}
        return list(dict.fromkeys(row.id for row in rows))


def _oldest_first(found: Iterable[Intent]) -> tuple[Intent, ...]:
    return tuple(sorted(found, key=lambda one: (one.prepared_at, one.id)))
