"""Alembic's entry: runs on the connection that `app.schema.migrate` hands over."""

from typing import Any, Literal

from alembic import context

from app.schema.tables import metadata
from foundation.database import UtcDateTime


def render_item(kind: str, item: Any, _: object) -> str | Literal[False]:
    """Write our own column type as the plain one it is, so revisions depend on no code of ours."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


connection = context.config.attributes["connection"]
if connection is None:
    raise SystemExit("run migrations through app.schema.migrate.upgrade")
context.configure(connection=connection, target_metadata=metadata, compare_type=True, render_item=render_item)
with context.begin_transaction():
    context.run_migrations()
