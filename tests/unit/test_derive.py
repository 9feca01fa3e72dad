"""What follows from the dictionary in PostgreSQL, Avro, BigQuery and msgspec."""

import fastavro
import msgspec
import pytest
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from shared import tables
from shared.derive import avro, bigquery, postgres, structs, types
from shared.errors import ConfigurationError
from shared.tables.fields import Integer, Required, Text
from shared.tables.table import Row, Table

HIRES = tables.find("hired_employees")


def test_the_postgres_table_has_key_references_and_the_platforms_own_columns():
    table = postgres.metadata().tables["hired_employees"]

    ddl = " ".join(str(CreateTable(table).compile(dialect=postgresql.dialect())).split())

    assert "id BIGINT NOT NULL" in ddl
    assert "datetime TIMESTAMP WITH TIME ZONE NOT NULL" in ddl
    assert "accepted_at TIMESTAMP WITH TIME ZONE NOT NULL, load_id UUID NOT NULL" in ddl
    assert "PRIMARY KEY (id)" in ddl
    assert "FOREIGN KEY(department_id) REFERENCES departments (id)" in ddl
    assert "FOREIGN KEY(job_id) REFERENCES jobs (id)" in ddl


def test_the_avro_schema_is_one_that_fastavro_takes():
    schema = fastavro.parse_schema(avro.schema(HIRES))

    assert [field["name"] for field in schema["fields"]] == [
        *HIRES.names,
        "accepted_at",
        "load_id",
    ]
    assert schema["fields"][2]["type"]["logicalType"] == "timestamp-micros"


def test_the_bigquery_columns_are_typed_and_described():
    columns = {column.name: column for column in bigquery.columns(HIRES)}

    assert columns["datetime"].type == "TIMESTAMP"
    assert columns["id"].type == "INT64"
    assert "hired" in columns["datetime"].description


def test_the_struct_knows_every_field_and_none_beyond_them():
    struct = structs.row(HIRES)

    assert tuple(field.name for field in msgspec.structs.fields(struct)) == HIRES.names
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"id": 1, "department": "x", "z": 1}', type=struct)


def test_a_field_that_adds_rules_keeps_the_kind_of_its_class():
    class Code(Text):
        """A text of its own."""

    class Thing(Row):
        """A thing."""

        id = Integer()
        code = Code()

    assert types.kind_of(Table("things", Thing), "code").postgres == "text"


def test_a_field_of_no_known_kind_is_named():
    class Odd(Required):
        """No kind."""

    class Thing(Row):
        """A thing."""

        id = Integer()
        odd = Odd()

    with pytest.raises(ConfigurationError, match="'odd' of table 'things'"):
        types.kind_of(Table("things", Thing), "odd")
