"""Migrates the database: first the platform's own tables, then the dictionary's."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from shared import tables
from shared.database.engine import transaction
from shared.database.evolution import catalog, mirrors
from shared.database.evolution.plan import plan
from shared.database.evolution.table import Plan
from shared.database.sql import qualified, quoted
from shared.errors import ConfigurationError

# Any constant, but the same one for every migration.
_LOCK = 0x7461626C65


def migrate(engine: sa.Engine, revision: str = "head") -> Plan:
    """Run the migrations up to `revision`, then carry the dictionary's tables along.

    Concurrent calls wait for each other. A release that is older than the database's own tables
    leaves those as they are.

    Returns:
        What was done to the dictionary's tables.

    Raises:
        ConfigurationError: the dictionary differs from the database in a way that could lose or
            invent data; the text says what stands in the way, and nothing was changed.
        DatabaseUnavailable, DatabaseBusy: try again later.
    """
    with transaction(engine) as connection:
        connection.exec_driver_sql(f"select pg_advisory_xact_lock({_LOCK})")
        config = _config(connection)
        if revision != "head" or not _is_newer(connection, config):
            command.upgrade(config, revision)
        found = plan(connection)
        if found.refusals:
            raise ConfigurationError(
                "Nothing was changed, because of:\n" + "\n".join(found.refusals)
            )
        for statement in found.statements:
            connection.exec_driver_sql(statement)
    return found


def downgrade(engine: sa.Engine, revision: str) -> None:
    """Undo the migrations of the platform's own tables down to `revision`.

    The dictionary's tables stay as they are.
    """
    with transaction(engine) as connection:
        connection.exec_driver_sql(f"select pg_advisory_xact_lock({_LOCK})")
        command.downgrade(_config(connection), revision)


def drop(engine: sa.Engine, table_name: str, column: str) -> None:
    """Drop a column that no field has any more: the releases that knew it cannot come back.

    Raises:
        UnknownTable: the dictionary has no such table.
        ConfigurationError: there is no such column, or a field has it.
    """
    table = tables.find(table_name)
    with transaction(engine) as connection:
        connection.exec_driver_sql(f"select pg_advisory_xact_lock({_LOCK})")
        there = catalog.read(connection, [table_name]).get(table_name, catalog.StoredTable())
        if column not in there.columns or f"{table_name}.{column}" not in plan(connection).unused:
            raise ConfigurationError(
                f"{table_name}.{column} cannot be dropped: it is a field of {table.name}, or there "
                "is no such column. `migrate` lists the columns that no field has."
            )
        for mirror in there.mirrors:
            if column in (mirror.name, mirror.was):
                connection.exec_driver_sql(mirrors.drop_sql(mirror))
        connection.exec_driver_sql(
            f"alter table {qualified(table_name)} drop column {quoted(column)}"
        )


def _config(connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    return config


def _is_newer(connection: sa.Connection, config: Config) -> bool:
    """Return whether a later release has migrated the database, in a way that is unknown here."""
    current = MigrationContext.configure(connection).get_current_revision()
    try:
        ScriptDirectory.from_config(config).get_revision(current or "base")
    except CommandError:
        return True
    return False
