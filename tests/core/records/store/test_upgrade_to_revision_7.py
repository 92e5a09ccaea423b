"""Messages of an older revision are rows for the mail: none is lost, sent again, or sent to a phone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from core.domain.operation.events import Event, Severity
from core.domain.operation.mail_preference import MailPreference
from core.domain.reporting.notices import Letterhead
from core.records.records import Records
from core.records.store.tables import metadata
from tests.core.records.store.older_records import engine_to, make_older

_AT = "2026-03-02T14:45:00.000000+00:00"
_OLDER = text(
    "INSERT INTO messages (key, kind, account, subject, text, html, created_at, due_at, attempts, last_error, sent_at,"
    " given_up_at) VALUES (:key, 'alarm', '', 'subject', 'text', 'html', :at, :at, :n, 'no', :sent, :gave_up)"
)


async def test_messages_of_an_older_version_are_for_the_mail_and_keep_their_state(path: Path) -> None:
    url = await make_older(path, "0006")
    engine = engine_to(url)
    async with engine.begin() as connection:
        for number, (sent, gave_up) in enumerate([(None, None), (_AT, None), (None, _AT)], 1):
            given = {"n": number, "key": f"k{number}", "at": _AT, "sent": sent, "gave_up": gave_up}
            await connection.execute(_OLDER, given)
    await engine.dispose()
    records = await Records.open(url)
    try:
        waiting = await records.outbox.waiting()
        assert [(m.seq, m.key, m.channel, m.attempts) for m in waiting] == [(1, "k1", "mail", 1)]
        assert [m.key for m in await records.outbox.newest(9)] == ["k3", "k2", "k1"]
        counts = await records.outbox.counts()
        assert (counts.waiting, counts.given_up, counts.last_sent_at is not None) == (1, 1, True)
        assert await records.outbox.newest(9, "phone") == ()
        await records.outbox.mark_sent(1, waiting[0].created_at)
        assert await records.outbox.waiting() == ()
        records.outbox.open(Letterhead("live", "https://example.test/"), MailPreference.NEVER, ("mail", "phone"))
        for _ in range(2):
            await records.journal.append(Event(waiting[0].created_at, "feed.lost", "lost", Severity.CRITICAL))
        for channel in ("mail", "phone"):
            assert [m.kind for m in await records.outbox.waiting(channel)] == ["alarm"]
        assert await records.outbox.channels_waiting() == ("mail", "phone")
        later = waiting[0].created_at + timedelta(hours=1)
        assert await records.outbox.give_up_older(later, later, "phone") == 1
        assert await records.outbox.channels_waiting() == ("mail",)
    finally:
        await records.close()
    engine = engine_to(url)
    async with engine.connect() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), metadata)
        )
    await engine.dispose()
    assert differences == []
