"""Calls BigQuery, with a time limit for each call and its errors mapped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.lazy import api_exceptions, bigquery
from shared.settings import Settings
from shared.warehouse import names as given_names
from shared.warehouse.errors import mapped
from shared.warehouse.names import Names

if TYPE_CHECKING:
    # Needs the dictionary, which the metrics never load.
    from shared.warehouse.columns import Column

STAGING_HOURS = 6
STAGING_PREFIX = "staging_"
# After this time the call fails, and its caller retries it instead of waiting longer.
RETRY_SECONDS = 20


@dataclass(frozen=True)
class Warehouse:
    """BigQuery, with the names of our datasets.

    Every method raises WarehouseUnavailable if it may succeed later, and WarehouseRefusal if
    retrying cannot help.

    Attributes:
        client: the library's client.
        names: the project and datasets.
        timeout_seconds: how long to wait for a job.
    """

    client: Any
    names: Names
    timeout_seconds: float = 240

    def query(
        self,
        sql: str,
        parameters: Mapping[str, tuple[str, Any]] | None = None,
        maximum_bytes_billed: int | None = None,
    ) -> list[dict[str, Any]]:
        """Run a statement and return its rows.

        Args:
            sql: the statement.
            parameters: type and value of each parameter by name; a list has its elements' type.
            maximum_bytes_billed: a statement that would scan more is refused.
        """
        config = bigquery.QueryJobConfig(
            query_parameters=[
                _parameter(name, kind, value) for name, (kind, value) in (parameters or {}).items()
            ],
            maximum_bytes_billed=maximum_bytes_billed,
        )
        with mapped():
            # Not query_and_wait, which returns no rows for a failed query of the stand-in.
            job = self.client.query(
                sql,
                job_config=config,
                timeout=60,
                retry=self._retry,
                job_retry=bigquery.retry.DEFAULT_JOB_RETRY.with_timeout(
                    min(RETRY_SECONDS, self.timeout_seconds)
                ),
            )
            return [
                dict(row) for row in job.result(retry=self._retry, timeout=self.timeout_seconds)
            ]

    def rows(self, name: str, columns: Mapping[str, str]) -> list[dict[str, Any]]:
        """Read all rows of a small table without a query, which is fast and free of charge.

        Args:
            name: the table.
            columns: all its columns, with their types.
        """
        # Given the schema, the library does not fetch it first.
        fields = [bigquery.SchemaField(column, kind) for column, kind in columns.items()]
        table = bigquery.Table(self.names.plain(name), fields)
        with mapped():
            return [
                dict(row)
                for row in self.client.list_rows(
                    table, retry=self._retry, timeout=self.timeout_seconds
                )
            ]

    def create_staging(self, name: str, columns: Sequence[Column]) -> None:
        """Create an empty table that BigQuery deletes after STAGING_HOURS."""
        fields = [bigquery.SchemaField(c.name, c.type, c.mode) for c in columns]
        table = bigquery.Table(self.names.plain(name), fields)
        table.expires = datetime.now(UTC) + timedelta(hours=STAGING_HOURS)
        with mapped():
            self.client.create_table(table, exists_ok=True, retry=self._retry, timeout=60)

    def load_avro(self, uri: str, name: str, job_id: str) -> None:
        """Replace the rows of an existing table by those of an Avro object.

        A repeated call with the same job id waits for the job of the first call.
        """
        config = bigquery.LoadJobConfig(
            source_format=bigquery.SourceFormat.AVRO,
            use_avro_logical_types=True,
            # The first that holds a decimal's digits, as its kind says.
            decimal_target_types=[
                bigquery.DecimalTargetType.NUMERIC,
                bigquery.DecimalTargetType.BIGNUMERIC,
            ],
            write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
            create_disposition=bigquery.CreateDisposition.CREATE_NEVER,
        )
        with mapped():
            try:
                job = self.client.load_table_from_uri(
                    uri,
                    self.names.plain(name),
                    job_id=job_id,
                    job_config=config,
                    retry=self._retry,
                    timeout=60,
                )
            except api_exceptions.Conflict:
                # An earlier call started the job, but its response was lost.
                job = self.client.get_job(job_id, retry=self._retry, timeout=60)
            job.result(retry=self._retry, timeout=self.timeout_seconds)

    def drop(self, name: str) -> None:
        """Delete a table, if it exists."""
        with mapped():
            self.client.delete_table(
                self.names.plain(name), not_found_ok=True, retry=self._retry, timeout=60
            )

    def table_names(self) -> set[str]:
        """Return the names of the tables in the dataset of the warehouse."""
        dataset = f"{self.names.project}.{self.names.warehouse}"
        with mapped():
            found = self.client.list_tables(dataset, retry=self._retry, timeout=60)
            return {table.table_id for table in found}

    def drop_staging(self, older_than: timedelta | None = None) -> None:
        """Delete the staging tables that killed syncs left behind.

        Args:
            older_than: keep younger tables, since a sync may be using them; None deletes all.
        """
        latest = None if older_than is None else datetime.now(UTC) - older_than
        dataset = f"{self.names.project}.{self.names.warehouse}"
        with mapped():
            for table in self.client.list_tables(dataset, retry=self._retry, timeout=60):
                is_left = latest is None or table.created < latest
                if is_left and table.table_id.startswith(STAGING_PREFIX):
                    self.drop(table.table_id)

    @property
    def _retry(self) -> Any:
        return bigquery.retry.DEFAULT_RETRY.with_timeout(min(RETRY_SECONDS, self.timeout_seconds))


def _parameter(name: str, kind: str, value: Any) -> Any:
    if isinstance(value, list):
        return bigquery.ArrayQueryParameter(name, kind, value)
    return bigquery.ScalarQueryParameter(name, kind, value)


def connect(client: Any, settings: Settings, timeout_seconds: float = 240) -> Warehouse:
    """Connect to the warehouse that the settings name.

    Raises:
        ConfigurationError: the project is not set.
    """
    return Warehouse(client, given_names.of(settings), timeout_seconds)
