"""Backups of a database of each test's own, into a bucket of its own."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from shared import tables
from shared.backups.backup import Backups
from shared.backups.restore import RestoreOutcome, RestoreRequest, restore
from shared.database import engine as engines
from shared.database.copy import copy_in
from shared.settings import Settings, read
from shared.storage import ObjectStore
from shared.tables import stored
from shared.tables.table import Table
from tests.backups.rows import LOAD_ID, NOON


@pytest.fixture
def settings(database_url, bucket) -> Settings:
    """Settings with that database and bucket."""
    return read({"DATABASE_URL": database_url, "BACKUPS_BUCKET": bucket})


@pytest.fixture
def backups(settings, engine, storage_client) -> Backups:
    """What takes backups."""
    return Backups(settings, engine, storage_client)


@dataclass
class Database:
    """The database, to be filled and looked at."""

    engine: sa.Engine

    def fill(self, table: Table, rows: Sequence[Sequence[Any]]) -> None:
        """Store rows that give the table's fields, or its own columns too."""
        columns, own = stored.columns(table), stored.values(NOON, LOAD_ID).values()
        whole = [(*row, *own)[: len(columns)] for row in rows]
        lines = (
            [column.copy_text(value) for column, value in zip(columns.values(), row, strict=True)]
            for row in whole
        )
        text = "".join("\t".join(line) + "\n" for line in lines)
        with engines.transaction(self.engine) as connection:
            copy_in(connection, f"copy {table.name} from stdin", (text.encode(),))

    def rows(self, table: Table) -> list[str]:
        """Every row as PostgreSQL writes it, in a fixed order."""
        with engines.transaction(self.engine) as connection:
            connection.exec_driver_sql("set local time zone 'UTC'")
            found = connection.exec_driver_sql(f"select cast(t as text) from {table.name} t")
            return sorted(row[0] for row in found)

    def ask(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """Rows of a query, if it has any."""
        with engines.transaction(self.engine) as connection:
            result = connection.execute(sa.text(query), values)
            return [tuple(row) for row in result] if result.returns_rows else []


@pytest.fixture
def database(engine) -> Database:
    """The database, to be filled and looked at."""
    return Database(engine)


@pytest.fixture
def parents(database) -> None:
    """Three departments and three jobs."""
    database.fill(tables.find("departments"), [(i, f"Department {i}") for i in (1, 2, 3)])
    database.fill(tables.find("jobs"), [(i, f"Job {i}") for i in (1, 2, 3)])


@pytest.fixture
def restored(engine, storage_client, backups) -> Callable[..., RestoreOutcome]:
    """Restore a table: its latest backup, or an object named."""

    def act(
        table: Table, name: str | None = None, lock_timeout_seconds: int = 10, **options: Any
    ) -> RestoreOutcome:
        manifest = backups.catalog.find(table.name, "latest") if name is None else None
        wanted = manifest.object if manifest else name
        stored = ObjectStore(storage_client).find(backups.catalog.bucket, wanted)
        assert stored is not None
        request = RestoreRequest(table, stored, manifest, **options)
        return restore(engine, storage_client, request, lock_timeout_seconds)

    return act


@pytest.fixture
def upload(storage_client, bucket) -> Callable[[bytes], str]:
    """Put bytes in the bucket, as a file made elsewhere; gives its name."""
    numbers = itertools.count(1)

    def act(content: bytes, name: str = "") -> str:
        name = name or f"elsewhere/{next(numbers)}.avro"
        storage_client.bucket(bucket).blob(name).upload_from_string(content)
        return name

    return act


@pytest.fixture
def content(storage_client, bucket) -> Callable[[str], bytes]:
    """An object's bytes."""
    return lambda name: storage_client.bucket(bucket).blob(name).download_as_bytes()
