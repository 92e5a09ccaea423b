"""Run by alembic: applies the revisions within the transaction of the connection it is given."""

from __future__ import annotations

from alembic import context

from core.records.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes a column by copying its table
)
context.run_migrations()
