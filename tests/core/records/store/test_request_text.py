"""An order request is stored whole: an entry's in the form that older versions read, an exit's with what it adds."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy.dialects import sqlite

from core.domain.orders.orders import OrderLeg, OrderRequest, TimeInForce
from core.domain.trident.trident import Action
from core.records.store.types import RequestText

_ENTRY = (
    '{"underlying":"QQQ","legs":[{"symbol":"QQQ   251219P00622000","action":"Sell to Open","quantity":2}],'
    '"credit":{"$decimal":"4.06"},"identifier":"senex-1"}'
)
_DIALECT = sqlite.dialect()


def _stored(request: OrderRequest) -> str:
    text = RequestText().process_bind_param(request, _DIALECT)
    assert text is not None
    return text


def _read(text: str) -> object:
    return RequestText().result_processor(_DIALECT, None)(text)


def test_the_request_of_an_entry_keeps_its_stored_form() -> None:
    request = _read(_ENTRY)
    assert request == OrderRequest(
        "QQQ", (OrderLeg("QQQ   251219P00622000", Action.SELL_TO_OPEN, 2),), Decimal("4.06"), "senex-1"
    )
    assert _stored(request) == _ENTRY


@pytest.mark.parametrize("time_in_force", TimeInForce)
@pytest.mark.parametrize("strict", [False, True])
def test_the_request_of_an_exit_comes_back_whole(time_in_force: TimeInForce, strict: bool) -> None:
    legs = tuple(OrderLeg(f"QQQ   251219P0062{n}000", action, 1) for n, action in enumerate(Action))
    request = OrderRequest("QQQ", legs, Decimal("-0.73"), "senexit-1", time_in_force, strict)
    assert _read(_stored(request)) == request
