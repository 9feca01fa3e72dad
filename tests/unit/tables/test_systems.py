"""Schemas derived from the dictionary: PostgreSQL, Avro, BigQuery and msgspec."""

import fastavro
import msgspec
import pytest
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from shared import tables
from shared.avro import row_schema
from shared.database.metadata import metadata
from shared.validation import structs
from shared.warehouse.columns import columns

HIRES = tables.find("hired_employees")


def test_the_postgres_table_has_key_references_and_the_platforms_own_columns():
    table = metadata().tables["hired_employees"]

    ddl = " ".join(str(CreateTable(table).compile(dialect=postgresql.dialect())).split())

    assert "id BIGINT NOT NULL" in ddl
    assert "datetime TIMESTAMP WITH TIME ZONE NOT NULL" in ddl
    assert "accepted_at TIMESTAMP WITH TIME ZONE NOT NULL, load_id UUID NOT NULL" in ddl
    assert "PRIMARY KEY (id)" in ddl
    assert "FOREIGN KEY(department_id) REFERENCES departments (id)" in ddl
    assert "FOREIGN KEY(job_id) REFERENCES jobs (id)" in ddl


def test_fastavro_accepts_the_avro_schema():
    schema = fastavro.parse_schema(row_schema.schema(HIRES))

    assert [field["name"] for field in schema["fields"]] == [
        *HIRES.names,
        "accepted_at",
        "load_id",
    ]
    assert schema["fields"][2]["type"]["logicalType"] == "timestamp-micros"


def test_the_bigquery_columns_are_typed_and_described():
    found = {column.name: column for column in columns(HIRES)}

    assert found["datetime"].type == "TIMESTAMP"
    assert found["id"].type == "INT64"
    assert "hired" in found["datetime"].description


def test_the_struct_has_exactly_the_tables_fields():
    struct = structs.row(HIRES)

    assert tuple(field.name for field in msgspec.structs.fields(struct)) == HIRES.names
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"id": 1, "department": "x", "z": 1}', type=struct)
