"""BigQuery alone, and a warehouse of the tests' own in it."""

import uuid
from collections.abc import Iterator

import pytest
from google.cloud import bigquery

from shared.warehouse.apply import apply
from shared.warehouse.bigquery import Warehouse
from shared.warehouse.names import Names
from shared.warehouse.star import projections
from tests.support import clients
from tests.support.platform import skip_without_bigquery
from tests.support.stand_ins import StandIns


@pytest.fixture(scope="session")
def bigquery_endpoint(stand_ins: StandIns) -> str:
    """Address of a running BigQuery."""
    skip_without_bigquery()
    return stand_ins.bigquery_endpoint()


@pytest.fixture(scope="session")
def bigquery_client(bigquery_endpoint: str) -> Iterator[bigquery.Client]:
    """A client of that BigQuery."""
    client = clients.of_bigquery(bigquery_endpoint)
    yield client
    client.close()


@pytest.fixture(scope="session")
def star(bigquery_client: bigquery.Client) -> Warehouse:
    """A star schema, made once."""
    suffix = uuid.uuid4().hex
    names = Names(bigquery_client.project, f"warehouse_{suffix}", f"reporting_{suffix}")
    made = Warehouse(bigquery_client, names, timeout_seconds=30)
    apply(made, "US")
    return made


@pytest.fixture
def warehouse(star: Warehouse) -> Warehouse:
    """That star schema, emptied."""
    names = (*(p.target for p in projections()), "sync_state", "loads", "load_rejects")
    star.query(";\n".join(f"delete from {star.names.table(name)} where true" for name in names))
    return star
