"""Breakers, as rows that survive a restart: each open once for its subject, and kept after it closed (SPEC 9)."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from sqlalchemy import ColumnElement, and_, bindparam, exists, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from core.domain.operation.breakers import Breaker, BreakerKind, Scope
from core.records.store.database import Database
from core.records.store.tables import accounts, breakers

CLOSED_BY_ENGINE = "engine"
"""Who closed a breaker that closes by itself."""

_by_operator = and_(breakers.c.closed_at.is_not(None), breakers.c.closed_by != CLOSED_BY_ENGINE)
_kind = breakers.c.kind == bindparam("kind")
_subject = breakers.c.subject == bindparam("subject")
_OPEN = select(breakers).where(breakers.c.closed_at.is_(None)).order_by(breakers.c.id)
_RESETS = select(breakers.c.subject).where(_kind, _by_operator, breakers.c.closed_at >= bindparam("since"))
_SETTLED = select(breakers.c.id).where(_kind, _subject, breakers.c.why == bindparam("why"), _by_operator).limit(1)
_OPENED = select(breakers.c.id).where(_kind, _subject, breakers.c.opened_at >= bindparam("since")).limit(1)


class Breakers:
    """Opened and closed by a durable commit each; `Entries.mark_sent` refuses what an open one bars."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, kind: BreakerKind, subject: str, why: str, at: datetime) -> bool:
        """Opens the breaker; False when it is open already: its first cause stays on record.

        `subject` is the account number or login name, by the kind's scope. Raises ValueError for a global kind with
        a subject, or another kind without one: it would stop nobody.
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
        except IntegrityError:  # the rule that it is open once
            return False
        return True

    async def close(self, kind: BreakerKind, subject: str, by: str, why: str, at: datetime) -> bool:
        """Closes the breaker, which stays on record; False when it was not open."""
        async with self._database.write() as connection:
            closed = await connection.execute(
                update(breakers)
                .where(breakers.c.kind == kind.code, breakers.c.subject == subject, breakers.c.closed_at.is_(None))
                .values(closed_at=at, closed_by=by, closing_why=why)
            )
            return closed.rowcount == 1

    async def open_now(self) -> tuple[Breaker, ...]:
        """What is open, in the order it opened."""
        async with self._database.read() as connection:
            rows = await connection.execute(_OPEN)
            return tuple(Breaker(BreakerKind.of(row.kind), row.subject, row.why, row.opened_at) for row in rows)

    async def resets(self, kind: BreakerKind, since: datetime) -> Counter[str]:
        """How often an operator closed a breaker of this kind since the instant, by its subject."""
        async with self._database.read() as connection:
            return Counter((await connection.execute(_RESETS, {"kind": kind.code, "since": since})).scalars())

    async def settled(self, kind: BreakerKind, subject: str, why: str) -> bool:
        """Whether an operator ever closed a breaker opened for this very reason."""
        async with self._database.read() as connection:
            found = await connection.execute(_SETTLED, {"kind": kind.code, "subject": subject, "why": why})
            return found.first() is not None

    async def opened_since(self, kind: BreakerKind, subject: str, since: datetime) -> bool:
        """Whether one of this kind opened for the subject at the instant or later, closed since or not."""
        async with self._database.read() as connection:
            found = await connection.execute(_OPENED, {"kind": kind.code, "subject": subject, "since": since})
            return found.first() is not None


def barred(account: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether an open breaker stops this account: a global one, one of the account, or one of the login that reaches
    it. `Breaker.stops` as a condition of the database."""
    # Two levels down: left to itself, this would select from the entries again instead of asking for this one.
    login = select(accounts.c.login).where(accounts.c.number == account).correlate_except(accounts).scalar_subquery()
    of_account = breakers.c.kind.in_(_codes(Scope.ACCOUNT))
    of_login = breakers.c.kind.in_(_codes(Scope.LOGIN))
    return exists().where(
        breakers.c.closed_at.is_(None),
        or_(
            # Whatever is of no account and of no login stops everything, also a kind this version does not know.
            ~or_(of_account, of_login),
            and_(of_account, breakers.c.subject == account),
            and_(of_login, breakers.c.subject == login),
        ),
    )


def _codes(scope: Scope) -> tuple[str, ...]:
    return tuple(kind.code for kind in BreakerKind if kind.scope is scope)
