"""Sample values for tests of the records, and where those records are: in SQLite or in PostgreSQL."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry, Fill, OrderLeg, OrderRequest
from core.domain.trident.trident import Action
from core.records.records import SuggestionRecord
from tests.support.postgres_server import PostgresServer


class KeptInPostgres:
    """The PostgreSQL databases that stand for record files, in a test that runs on both stores."""

    def __init__(self) -> None:
        self._server: dict[Path, PostgresServer] = {}
        self._urls: dict[Path, str] = {}

    def bind(self, folder: Path, server: PostgresServer) -> None:
        """Keeps the records with paths below this folder in databases of the server."""
        self._server[folder] = server

    def release(self, folder: Path) -> None:
        server = self._server.pop(folder)
        for path in [path for path in self._urls if folder in path.parents]:
            server.drop(self._urls.pop(path))

    def url_of(self, path: Path) -> str | None:
        """The database for this path, created at its first use; None when the path is a SQLite file."""
        server = next((self._server[folder] for folder in path.parents if folder in self._server), None)
        if server is not None and path not in self._urls:
            self._urls[path] = server.new_database()
        return self._urls.get(path)

    def survive(self, old: Path, new: Path) -> bool:
        """Copies the committed data of one database to a new one, for the path `new`; False when paths are SQLite
        files."""
        server = next((self._server[folder] for folder in new.parents if folder in self._server), None)
        if server is not None:
            self._urls[new] = server.survivor(self._urls[old])
        return server is not None

    def ask(self, path: Path, sql: str) -> list[Any] | None:
        """The rows of a query, asked directly and not through the product; None when the path is a SQLite file."""
        server = next((self._server[folder] for folder in path.parents if folder in self._server), None)
        return None if server is None else [tuple(row) for row in server.in_database(self._urls[path], sql)]

    def dump(self, path: Path) -> list[str] | None:
        """Every row of the database as text; None when the path is a SQLite file."""
        server = next((self._server[folder] for folder in path.parents if folder in self._server), None)
        return None if server is None else server.dump(self._urls[path])


DAY = date(2026, 3, 2)
AT = datetime(2026, 3, 2, 14, 45, 0, 123456, tzinfo=UTC)
CLOSES = datetime(2026, 3, 2, 21, tzinfo=UTC)
SLOT = datetime(2026, 3, 2, 14, 45, tzinfo=UTC)
ACCOUNT = "5WT00001"
KEPT_IN_POSTGRES = KeptInPostgres()


def url_of(path: Path) -> str:
    """The address of the records with this path: that SQLite file, or the PostgreSQL database that stands for it."""
    return KEPT_IN_POSTGRES.url_of(path) or f"sqlite+aiosqlite:///{path}"


def after(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def request(identifier: str, credit: str = "4.06") -> OrderRequest:
    legs = (
        OrderLeg("QQQ   260417P00622000", Action.SELL_TO_OPEN, 2),
        OrderLeg("QQQ   260417P00619000", Action.BUY_TO_OPEN, 2),
        OrderLeg("QQQ   260417C00622000", Action.SELL_TO_OPEN, 1),
        OrderLeg("QQQ   260417C00625000", Action.BUY_TO_OPEN, 1),
    )
    return OrderRequest("QQQ", legs, Decimal(credit), identifier)


def entry(entry_id: str = "one", account: str = ACCOUNT, day: date = DAY) -> Entry:
    return Entry(
        id=entry_id,
        account=account,
        session_day=day,
        cycle=1,
        suggestion_id=f"suggestion-{entry_id}",
        underlying="QQQ",
        expiration=date(2026, 4, 17),
        strikes="622P/619P/622C/625C",
        identifier=f"senex-{entry_id}",
        request=request(f"senex-{entry_id}"),
        limit=Decimal("4.06"),
        natural=Decimal("3.860"),
        mid=Decimal("4.10"),
        width=Decimal(3),
        max_risk=Decimal("214.00"),
        state=OrderState.PREPARED,
        holds_day=True,
        prepared_at=AT,
        sent_at=None,
        order_id=None,
        broker_status=None,
        terminal_at=None,
        detail="",
    )


def fill(fill_id: str, quantity: str = "2", price: str = "3.155") -> Fill:
    return Fill(fill_id, "QQQ   260417P00622000", Decimal(quantity), Decimal(price), AT)


def suggestion(suggestion_id: str = "s1", *, validated: bool = False) -> SuggestionRecord:
    return SuggestionRecord(
        id=suggestion_id,
        cycle=1,
        attempt=2,
        account=ACCOUNT,
        session_day=DAY,
        at=AT,
        underlying="QQQ",
        expiration=date(2026, 4, 17),
        strikes="622P/619P/622C/625C",
        body=Decimal("622"),
        width=Decimal("3.0"),
        natural=Decimal("3.86"),
        mid=Decimal("4.10"),
        limit=None,
        offset=None,
        max_risk=Decimal("214"),
        evidence={
            "legs": (
                {"symbol": "QQQ   260417P00622000", "bid": Decimal("3.10"), "ask": Decimal("3.2"), "age_s": 1.25},
            ),
            "expires": date(2026, 4, 17),
            "at": AT,
            "$note": None,
        },
        validated=validated,
    )


def same(left: Entry, right: Entry) -> bool:
    """Whether two entries are equal to the last digit; here 3.860 is not 3.86."""
    return repr(left) == repr(right)
