from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect

from app.schema.migrate import upgrade
from app.schema.tables import metadata
from foundation.database import Database


async def test_migrations_give_the_tables_that_the_code_expects(fresh_database_url) -> None:
    database = Database.open(fresh_database_url)
    await upgrade(database)
    await upgrade(database)

    def differences(connection: Connection) -> list[object]:
        assert "events" in inspect(connection).get_table_names()
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)

    async with database.begin() as tx:
        found = await tx.run_sync(differences)
    await database.close()
    assert found == []
