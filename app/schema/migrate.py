"""Brings a database to the newest revision."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from foundation.database import Database

_LOCK = 7_261_907
"""Advisory lock: two processes that start at once must not both migrate."""


def alembic_config(connection: Connection | None = None) -> Config:
    """Make Alembic's configuration; it has no ini file since everything is here."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


async def upgrade(database: Database, revision: str = "head") -> None:
    """Apply all missing revisions, in one transaction."""

    def run(connection: Connection) -> None:
        command.upgrade(alembic_config(connection), revision)

    async with database.begin() as tx:
        await tx.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        await tx.run_sync(run)
