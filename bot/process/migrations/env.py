"""Alembic's entry: runs on the connection that `bot.process.migrate` hands over."""

from alembic import context

from bot.process.tables import metadata

connection = context.config.attributes["connection"]
if connection is None:
    raise SystemExit("run migrations through bot.process.migrate.upgrade")
context.configure(connection=connection, target_metadata=metadata, compare_type=True)
with context.begin_transaction():
    context.run_migrations()
