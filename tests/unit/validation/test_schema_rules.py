"""Rules of a schema as a whole count at every gate, though the quick looks know none of them."""

import io

import pytest
from marshmallow import ValidationError, validates, validates_schema

from shared.tables import Integer, Row, Table, Text
from shared.validation import csv_rows, json_batch


class Whole(Row):
    """A rule over the row."""

    id = Integer()
    job = Text()

    @validates_schema
    def no_welder_is_first(self, data, **_):
        if data.get("id") == 1 and data.get("job") == "Welder":
            raise ValidationError("The first is no welder.", "job")


class Single(Row):
    """A rule over one field, beside the field."""

    id = Integer()
    job = Text()

    @validates("job")
    def is_no_welder(self, value, **_):
        if value == "Welder":
            raise ValidationError("No welders.")


@pytest.mark.parametrize("schema", [Whole, Single])
def test_both_gates_ask_the_rules_of_the_schema(schema):
    table = Table(name="jobs", schema=schema)

    verdict = json_batch.check(table, b'{"rows":[{"id":1,"job":"Welder"},{"id":2,"job":"Smith"}]}')
    (block,) = csv_rows.blocks(table, io.BytesIO(b"1,Welder\n2,Smith\n"), 1000)

    assert [values[1] for values in verdict.rows.values()] == ["Smith"]
    assert block.copied() == b"2\t2\tSmith\n"
    for rejects in (verdict.rejects, block.rejects):
        ((error,),) = [reject.errors for reject in rejects]
        assert (error.field, error.code) == ("job", "rule_broken")
