"""Custom rules of a schema apply to CSV and JSON, although the fast checks skip them."""

import io

import pytest
from marshmallow import ValidationError, validates, validates_schema

from shared.tables import Integer, Row, Table, Text
from shared.validation import csv_rows, json_batch


class Whole(Row):
    """A schema with a rule over the whole row."""

    id = Integer()
    job = Text()

    @validates_schema
    def first_is_not_a_welder(self, data, **_):
        if data.get("id") == 1 and data.get("job") == "Welder":
            raise ValidationError("The first must not be a welder.", "job")


class Single(Row):
    """A schema with a rule over one field, declared outside the field."""

    id = Integer()
    job = Text()

    @validates("job")
    def is_not_a_welder(self, value, **_):
        if value == "Welder":
            raise ValidationError("No welders.")


@pytest.mark.parametrize("schema", [Whole, Single])
def test_csv_and_json_validation_apply_the_schemas_rules(schema):
    table = Table(name="jobs", schema=schema)

    verdict = json_batch.check(table, b'{"rows":[{"id":1,"job":"Welder"},{"id":2,"job":"Smith"}]}')
    (block,) = csv_rows.blocks(table, io.BytesIO(b"1,Welder\n2,Smith\n"), 1000)

    assert [values[1] for values in verdict.rows.values()] == ["Smith"]
    assert block.copied() == b"2\t2\tSmith\n"
    for rejects in (verdict.rejects, block.rejects):
        ((error,),) = [reject.errors for reject in rejects]
        assert (error.field, error.code) == ("job", "rule_broken")
