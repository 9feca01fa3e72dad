"""The calls to BigQuery: what they do the first time, and when they are repeated."""

import io
import uuid
from datetime import timedelta

import fastavro
import pytest

from shared import tables
from shared.avro import schemas
from shared.errors import WarehouseRefusal, WarehouseUnavailable
from shared.warehouse.columns import Column, columns
from tests.warehouse.conftest import NOON

ID = [Column("id", "INT64", "")]


@pytest.fixture
def name(warehouse):
    """The name of a staging table, which is deleted afterwards."""
    made = f"staging_{uuid.uuid4().hex}"
    yield made
    warehouse.drop(made)


@pytest.fixture
def there(warehouse):
    """The staging tables that exist."""
    dataset = f"{warehouse.names.project}.{warehouse.names.warehouse}"

    def act():
        names = {table.table_id for table in warehouse.client.list_tables(dataset)}
        return {name for name in names if name.startswith("staging_")}

    return act


def test_a_staging_table_is_created_once_however_often_the_call_is_repeated(warehouse, name, there):
    for _ in range(2):
        warehouse.create_staging(name, ID)

    assert there() == {name}


def test_a_table_that_is_gone_can_be_deleted(warehouse, name, there):
    warehouse.create_staging(name, ID)
    assert there() == {name}

    warehouse.drop(name)
    warehouse.drop(name)

    assert there() == set()


def test_only_old_staging_tables_are_deleted(warehouse, name, there):
    warehouse.create_staging(name, ID)

    warehouse.drop_staging(timedelta(hours=1))
    assert there() == {name}

    warehouse.drop_staging(timedelta(0))
    assert there() == set()
    assert warehouse.rows("dim_jobs", {"id": "INT64"}) == []


def test_an_export_is_loaded_once_however_often_the_call_is_repeated(
    warehouse, name, storage_client, staging
):
    jobs = tables.find("jobs")
    moment = NOON + timedelta(microseconds=1)
    row = {"id": 1, "job": "Welder", "accepted_at": moment, "load_id": str(uuid.UUID(int=1))}
    content = io.BytesIO()
    fastavro.writer(content, schemas.of_table(jobs).declared, [row])
    blob = storage_client.bucket(staging).blob(f"{name}.avro")
    blob.upload_from_string(content.getvalue())
    warehouse.create_staging(name, columns(jobs))

    for _ in range(2):
        warehouse.load_avro(f"gs://{staging}/{blob.name}", name, f"load_{name}")

    assert warehouse.query(f"select * from {warehouse.names.table(name)}") == [row]
    blob.delete()


def test_an_export_that_is_not_there_is_an_error(warehouse, name, staging):
    warehouse.create_staging(name, ID)

    with pytest.raises((WarehouseRefusal, WarehouseUnavailable)):
        warehouse.load_avro(f"gs://{staging}/{name}.avro", name, f"load_{name}")


def test_a_parameter_is_a_value_or_a_list(warehouse):
    found = warehouse.query(
        "select @one as one, array_length(@many) as many",
        {"one": ("INT64", 1), "many": ("STRING", ["a", "b"])},
    )

    assert found == [{"one": 1, "many": 2}]
