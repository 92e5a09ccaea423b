"""Breakers as rows, which survive a restart: open at most once for a subject, kept after they closed (rules 9)."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from sqlalchemy import ColumnElement, ScalarSelect, and_, bindparam, exists, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from core.domain.operation.breakers import Breaker, BreakerKind, Scope
from core.records.store.database import Database
from core.records.store.tables import accounts, breakers

CLOSED_BY_ENGINE = "engine"
"""Who is recorded as having closed a breaker that closes by itself."""

_by_operator = and_(breakers.c.closed_at.is_not(None), breakers.c.closed_by != CLOSED_BY_ENGINE)
_kind = breakers.c.kind == bindparam("kind")
_subject = breakers.c.subject == bindparam("subject")
_OPEN = select(breakers).where(breakers.c.closed_at.is_(None)).order_by(breakers.c.id)
_RESETS = select(breakers.c.subject).where(_kind, _by_operator, breakers.c.closed_at >= bindparam("since"))
_SETTLED = select(breakers.c.id).where(_kind, _subject, breakers.c.why == bindparam("why"), _by_operator).limit(1)
_OPENED = select(breakers.c.id).where(_kind, _subject, breakers.c.opened_at >= bindparam("since")).limit(1)


class Breakers:
    """The recorded breakers.

    Opening and closing are durable commits; `Entries.mark_sent` and `Exits.mark_sent` refuse what an open breaker
    stops.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, kind: BreakerKind, subject: str, why: str, at: datetime) -> bool:
        """Opens the breaker. False when it is open already: its first cause stays on record.

        `subject` is an account number or a login name, as the kind's scope says. Raises ValueError for a global kind
        with a subject, and for another kind without one, which would stop nobody.
        """
        if (kind.scope is Scope.GLOBAL) != (subject == ""):
            needed = "no subject" if kind.scope is Scope.GLOBAL else f"the {kind.scope.value} it stops"
            raise ValueError(f"a breaker of the kind {kind.code} needs {needed}")
        try:
            async with self._database.write() as connection:
                await connection.execute(
                    insert(breakers).values(
                        kind=kind.code, subject=subject, why=why, opened_at=at, closed_by="", closing_why=""
                    )
                )
        except IntegrityError:  # it is open already
            return False
        return True

    async def close(self, kind: BreakerKind, subject: str, by: str, why: str, at: datetime) -> bool:
        """Closes the breaker; it is kept. False when it was not open."""
        async with self._database.write() as connection:
            closed = await connection.execute(
                update(breakers)
                .where(breakers.c.kind == kind.code, breakers.c.subject == subject, breakers.c.closed_at.is_(None))
                .values(closed_at=at, closed_by=by, closing_why=why)
            )
            return closed.rowcount == 1

    async def open_now(self) -> tuple[Breaker, ...]:
        """The open breakers, in the order they opened."""
        async with self._database.read() as connection:
            rows = await connection.execute(_OPEN)
            return tuple(Breaker(BreakerKind.of(row.kind), row.subject, row.why, row.opened_at) for row in rows)

    async def resets(self, kind: BreakerKind, since: datetime) -> Counter[str]:
        """How often an operator has closed a breaker of this kind since the instant, by subject."""
        async with self._database.read() as connection:
            return Counter((await connection.execute(_RESETS, {"kind": kind.code, "since": since})).scalars())

    async def settled(self, kind: BreakerKind, subject: str, why: str) -> bool:
        """Whether an operator ever closed a breaker that was opened for exactly this reason."""
        async with self._database.read() as connection:
            found = await connection.execute(_SETTLED, {"kind": kind.code, "subject": subject, "why": why})
            return found.first() is not None

    async def opened_since(self, kind: BreakerKind, subject: str, since: datetime) -> bool:
        """Whether a breaker of this kind opened for the subject at the instant or later. It may have closed since."""
        async with self._database.read() as connection:
            found = await connection.execute(_OPENED, {"kind": kind.code, "subject": subject, "since": since})
            return found.first() is not None


def barred(account: ColumnElement[str]) -> ColumnElement[bool]:
    """The condition that an open breaker stops this account; `Breaker.stops` as a condition of the database.

    It may be a global breaker, one of the account, or one of the login that reaches the account.
    """
    of_account = breakers.c.kind.in_(_codes(Scope.ACCOUNT))
    of_login = breakers.c.kind.in_(_codes(Scope.LOGIN))
    return exists().where(
        breakers.c.closed_at.is_(None),
        or_(
            # A breaker of neither scope stops every account; so does one of a kind that this version does not know.
            ~or_(of_account, of_login),
            and_(of_account, breakers.c.subject == account),
            and_(of_login, breakers.c.subject == _login_of(account)),
        ),
    )


def bars_exits(account: ColumnElement[str]) -> ColumnElement[bool]:
    """The condition that an open breaker stops the exits of this account: one of the clock or of the records, or one of
    the login that reaches it (rules 15.4). No other breaker stops an exit."""
    return exists().where(
        breakers.c.closed_at.is_(None),
        or_(
            breakers.c.kind.in_([BreakerKind.CLOCK.code, BreakerKind.STORE.code]),
            and_(breakers.c.kind == BreakerKind.LOGIN.code, breakers.c.subject == _login_of(account)),
        ),
    )


def _login_of(account: ColumnElement[str]) -> ScalarSelect[str]:
    """The login that reaches the account."""
    # `correlate_except`: two levels down, SQLAlchemy would otherwise select from the orders anew.
    return select(accounts.c.login).where(accounts.c.number == account).correlate_except(accounts).scalar_subquery()


def _codes(scope: Scope) -> tuple[str, ...]:
    """The codes of the kinds with this scope."""
    return tuple(kind.code for kind in BreakerKind if kind.scope is scope)
