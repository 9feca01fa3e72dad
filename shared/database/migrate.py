"""Migrates the database: first the platform's own tables, then the dictionary's."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import produce_migrations
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations, ops

from shared import tables
from shared.database.engine import transaction
from shared.database.metadata import metadata
from shared.errors import ConfigurationError

# Any constant, but the same one for every migration.
_LOCK = 0x7461626C65


def migrate(engine: sa.Engine, revision: str = "head") -> None:
    """Run the migrations up to `revision`, then add the dictionary's new tables and fields.

    New tables, and new fields that are optional or have a default, need no migration. Concurrent
    calls wait for each other.

    Raises:
        ConfigurationError: the dictionary differs from the database in a way that could lose or
            invent data; the text names the difference, which needs a migration.
        DatabaseUnavailable, DatabaseBusy: try again later.
    """
    with transaction(engine) as connection:
        connection.exec_driver_sql(f"select pg_advisory_xact_lock({_LOCK})")
        command.upgrade(_config(connection), revision)
        _evolve(connection)


def downgrade(engine: sa.Engine, revision: str) -> None:
    """Undo the migrations of the platform's own tables down to `revision`.

    The dictionary's tables stay as they are.
    """
    with transaction(engine) as connection:
        connection.exec_driver_sql(f"select pg_advisory_xact_lock({_LOCK})")
        command.downgrade(_config(connection), revision)


def _config(connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    return config


def _evolve(connection: sa.Connection) -> None:
    wanted = metadata()
    context = MigrationContext.configure(
        connection,
        opts={
            "compare_type": True,
            # Tables that are not in the dictionary are left alone.
            "include_name": lambda name, kind, _: kind != "table" or name in wanted.tables,
        },
    )
    operations = Operations(context)
    for change in _leaves(produce_migrations(context, wanted).upgrade_ops):
        if isinstance(change, ops.AddColumnOp):
            _add_column(operations, change)
        elif isinstance(change, (ops.CreateTableOp, ops.CreateIndexOp, ops.CreateForeignKeyOp)):
            operations.invoke(change)
        else:
            raise ConfigurationError(
                f"The dictionary and the database differ: {change.to_diff_tuple()!r}. "
                "Nothing was changed; write a migration for it in shared/database/migrations."
            )


def _leaves(container: Any) -> list[Any]:
    if not isinstance(container, ops.OpContainer):
        return [container]
    return [leaf for child in container.ops for leaf in _leaves(child)]


def _add_column(operations: Operations, change: ops.AddColumnOp) -> None:
    field = tables.find(change.table_name).fields[change.column.name]
    if field.default is None:
        if field.nullable:
            operations.invoke(change)
            return
        raise ConfigurationError(
            f"Table {change.table_name!r} has rows without its new field {change.column.name!r}: "
            "make it optional or give it a default, or write a migration that fills it."
        )
    quoted = sa.literal(field.default).compile(
        dialect=operations.get_bind().dialect, compile_kwargs={"literal_binds": True}
    )
    change.column.server_default = sa.DefaultClause(sa.text(str(quoted)))
    operations.invoke(change)
