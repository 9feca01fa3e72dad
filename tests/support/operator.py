"""Dropping files in the uploads bucket as a user would, and looking at what became of them."""

import time
from typing import Any

import httpx
import sqlalchemy as sa

from shared.database.engine import create
from shared.settings import read
from tests.support import clients
from tests.support.platform import Platform


class Operator:
    """Somebody who uses a platform: drops files, asks the database, calls the API."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        where = platform.description["storage"]
        self.names = where
        self.storage = clients.of_storage(where["endpoint"])
        warehouse = platform.description["bigquery"]
        self.dataset = f"{warehouse['project']}.{warehouse['dataset']}"
        self.bigquery = clients.of_bigquery(warehouse["endpoint"])
        self.engine = create(read({"DATABASE_URL": platform.database_url}))
        self.api = httpx.Client(
            base_url=platform.gateway, headers={"X-Token": platform.token}, timeout=60
        )

    def close(self) -> None:
        """Let go of all connections."""
        self.api.close()
        self.engine.dispose()
        self.storage.close()
        self.bigquery.close()

    def drop(self, name: str, content: bytes, metadata: dict[str, str] | None = None) -> str:
        """Upload a file and give the source its load will have."""
        blob = self.storage.bucket(self.names["uploads"]).blob(name)
        blob.metadata = metadata
        blob.upload_from_string(content, content_type="text/csv")
        return f"gs://{self.names['uploads']}/{name}#{blob.generation}"

    def loaded(self, source: str, seconds: float = 120) -> dict[str, Any]:
        """The ledger's entry of a source, as soon as its file has been moved on."""
        name, _, _ = source.removeprefix(f"gs://{self.names['uploads']}/").rpartition("#")
        limit = time.monotonic() + seconds
        while True:
            entries = self.ask("select * from loads where source = :source", source=source)
            if entries and name not in self.objects("uploads"):
                return entries[0]
            assert time.monotonic() < limit, f"{source} was not loaded: {entries}"
            time.sleep(0.02)

    def dropped(self, name: str, content: bytes) -> dict[str, Any]:
        """Upload a file and wait for its ledger entry."""
        return self.loaded(self.drop(name, content))

    def ask(self, query: str, **values: Any) -> list[dict[str, Any]]:
        """Rows of a query on the database."""
        with self.engine.begin() as connection:
            return [dict(row) for row in connection.execute(sa.text(query), values).mappings()]

    def count(self, query: str, **values: Any) -> int:
        """The number that a query on the database gives."""
        with self.engine.begin() as connection:
            return int(connection.scalar(sa.text(query), values) or 0)

    def objects(self, place: str) -> list[str]:
        """Names in one of the buckets."""
        return [blob.name for blob in self.storage.list_blobs(self.names[place])]

    def content(self, place: str, name: str) -> bytes:
        """An object's bytes."""
        return bytes(self.storage.bucket(self.names[place]).blob(name).download_as_bytes())

    def synced(self, seconds: float = 120) -> None:
        """Wait until the warehouse has all that the ledger has, and nothing waits."""
        limit = time.monotonic() + seconds
        while self.count("select count(*) from loads where synced_at is null"):
            assert time.monotonic() < limit, self.ask("select * from loads where synced_at is null")
            time.sleep(0.05)

    def warehouse(self, table: str) -> int:
        """How many rows a table of the warehouse has."""
        query = f"select count(*) as found from `{self.dataset}.{table}`"
        return int(next(iter(self.bigquery.query(query).result())).found)

    def clear(self) -> None:
        """Forget every row and load, in database and warehouse."""
        self.synced()
        with self.engine.begin() as connection:
            connection.exec_driver_sql(
                "truncate departments, jobs, hired_employees, loads, rejected_rows, row_versions"
            )
        for table in ("dim_departments", "dim_jobs", "fact_hires", "loads", "load_rejects"):
            self.bigquery.query(f"delete from `{self.dataset}.{table}` where true").result()
