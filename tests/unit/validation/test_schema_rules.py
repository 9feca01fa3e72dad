"""Custom rules of a schema apply to CSV and JSON, although the fast checks skip them."""

import io

import pytest
from marshmallow import ValidationError, validates, validates_schema

from shared.tables import Integer, Row, Table, Text
from shared.validation import csv_rows, json_batch


class Whole(Row):
    """A schema with a rule over the whole row."""

    id = Integer(minimum=1)
    job = Text()

    @validates_schema
    def first_is_not_a_welder(self, data, **_):
        if data.get("id") == 1 and data.get("job") == "Welder":
            raise ValidationError("The first must not be a welder.", "job")


class Single(Row):
    """A schema with a rule over one field, declared outside the field."""

    id = Integer(minimum=1)
    job = Text()

    @validates("job")
    def is_not_a_welder(self, value, **_):
        if value == "Welder":
            raise ValidationError("No welders.")


@pytest.mark.parametrize("schema", [Whole, Single])
@pytest.mark.parametrize(
    "content",
    [
        b"1,Welder\n2,Smith\n",
        b"2,Smith\n1,Welder\n",
        b'2,"Smith"\n1,"Welder"\n',
        b"job,id\nSmith,2\nWelder,1\n",
    ],
)
def test_csv_and_json_validation_apply_the_schemas_rules(schema, content):
    table = Table(name="jobs", schema=schema)

    verdict = json_batch.check(table, b'{"rows":[{"id":1,"job":"Welder"},{"id":2,"job":"Smith"}]}')
    (block,) = csv_rows.blocks(table, io.BytesIO(content), 1000)

    assert [values[1] for values in verdict.rows.values()] == ["Smith"]
    assert block.copied().split(b"\t")[1:] == [b"2", b"Smith\n"]
    for rejects in (verdict.rejects, block.rejects):
        ((error,),) = [reject.errors for reject in rejects]
        assert (error.field, error.code) == ("job", "rule_broken")
