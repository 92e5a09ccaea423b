"""The REST paths of transactions: the listing, one row, and the fees of a day (broker 2.7)."""

from __future__ import annotations

from collections.abc import Callable

from core.runtime.clock import exchange_time
from core.simulator.exchange.client_accounts import ClientAccounts
from core.simulator.exchange.transactions import Wanted
from core.simulator.wire.payloads import items
from core.simulator.wire.payloads_transactions import total_fees, transaction
from core.simulator.wire.rest import Answer, Call, Refusal, Route, not_found
from core.simulator.wire.rest_accounts import AccountAccess
from core.simulator.wire.rest_paging import a_day, page_of, time_range

DEFAULT_PER_PAGE = 250
MAX_PER_PAGE = 2000


class TransactionsApi:
    """The handlers of the transaction paths. `advance` brings the exchange up to now and publishes its notices."""

    def __init__(self, shown: ClientAccounts, access: AccountAccess, advance: Callable[[], None]) -> None:
        self._shown = shown
        self._access = access
        self._advance = advance

    def routes(self) -> list[Route]:
        return [
            ("GET", "/accounts/{number}/transactions", self.listing),
            ("GET", "/accounts/{number}/transactions/total-fees", self.total_fees),
            ("GET", "/accounts/{number}/transactions/{id:[0-9]+}", self.by_id),
        ]

    def listing(self, call: Call) -> Answer:
        """The rows that the query asks for, the newest first unless it says Asc. A filter that is unknown is none."""
        number = self._access.number(call)
        self._advance()
        found = self._shown.transactions(number, call.now, _wanted(call))
        if call.query.get("sort") != "Asc":
            found.reverse()
        page = page_of(call, found, DEFAULT_PER_PAGE, MAX_PER_PAGE, self._shown.overlapping_rows(number))
        return Answer(items([transaction(row) for row in page.rows]), extra={"pagination": page.pagination})

    def by_id(self, call: Call) -> Answer:
        number, wanted = self._access.number(call), int(call.names["id"])
        self._advance()
        for row in self._shown.transactions(number, call.now, Wanted()):
            if row.id == wanted:
                return Answer(transaction(row))
        raise not_found(f"transaction with id {wanted}")

    def total_fees(self, call: Call) -> Answer:
        number = self._access.number(call)
        self._advance()
        day = a_day(call, "date") or exchange_time(call.now).date()
        rows = self._shown.transactions(number, call.now, Wanted())
        return Answer(total_fees(row for row in rows if row.day == day))


def _wanted(call: Call) -> Wanted:
    """The rows that the query asks for. Raises Refusal."""
    kind, kinds = call.query.get("type"), call.values("types")
    if kind is not None and kinds:
        raise Refusal(400, "validation_error", "Request validation failed: types and type are mutually exclusive")
    since, until = time_range(call)
    return Wanted(
        kinds=frozenset(kinds if kind is None else [kind]),
        sub_kinds=frozenset(call.values("sub-type")),
        since=since,
        until=until,
        instrument_type=call.query.get("instrument-type"),
        symbol=call.query.get("symbol"),
        underlying=call.query.get("underlying-symbol"),
        action=call.query.get("action"),
    )
