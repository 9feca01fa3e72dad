"""Schemas derived from the dictionary: PostgreSQL, Avro, BigQuery and msgspec."""

import fastavro
import msgspec
import pytest
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from shared import tables
from shared.avro import schemas
from shared.avro.schemas import FileSchema
from shared.database.metadata import metadata
from shared.tables import stored
from shared.tables.bulk import (
    Booleans,
    Decimals,
    Doubles,
    LocalTimes,
    Numbers,
    Texts,
    Uuids,
)
from shared.tables.kinds import KINDS
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
    schema = fastavro.parse_schema(schemas.of_table(HIRES).declared)

    assert [field["name"] for field in schema["fields"]] == [
        *HIRES.names,
        "accepted_at",
        "load_id",
    ]
    assert schema["fields"][2]["type"]["logicalType"] == "timestamp-micros"


@pytest.mark.parametrize(
    "column",
    [*(kind.sample() for kind in KINDS.values()), *stored.COLUMNS.values()],
    ids=[*KINDS, *stored.COLUMNS],
)
def test_a_file_is_decoded_into_the_form_that_a_column_has_in_bulk(column):
    fields = [{"name": "value", "type": column.avro_type}]
    (field,) = FileSchema({"type": "record", "name": "Row", "fields": fields}).fields

    forms = {
        Numbers: "number",
        Doubles: "double",
        Booleans: "boolean",
        Decimals: "bytes",
        LocalTimes: "text",
        Texts: "text",
        Uuids: "text",
    }
    assert column.bulk is None or field.form == forms[type(column.bulk)]
    assert any(map(column.accepts_avro, field.types))


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
