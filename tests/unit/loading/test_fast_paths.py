"""Which rows may be copied straight into their table."""

import pytest

from shared import tables
from shared.loading.fast_paths import Precheck, can_precheck
from shared.tables import Integer, Reference, Row, Table


class Part(Row):
    """A part, and the part it belongs to."""

    id = Integer(minimum=1)
    whole_id = Integer(minimum=1)


@pytest.mark.parametrize(
    ("repeated", "orphans", "known", "all_new"),
    [(0, 0, 0, True), (1, 0, 0, False), (0, 1, 0, False), (0, 0, 1, False), (1, 1, 1, False)],
)
def test_rows_are_all_new_if_none_is_repeated_lacks_a_parent_or_is_stored(
    repeated, orphans, known, all_new
):
    assert Precheck(repeated, orphans, known, may_skip_checks=True).all_new is all_new


@pytest.mark.parametrize(
    ("table", "covered"),
    [
        (tables.find("jobs"), True),
        (tables.find("hired_employees"), True),
        (Table("parts", Part, key=("id", "whole_id")), False),
        (Table("parts", Part, references=(Reference("whole_id", "parts"),)), False),
    ],
    ids=["no parents", "parents", "two key fields", "its own parent"],
)
def test_the_precheck_covers_tables_with_one_key_field_and_other_parents(table, covered):
    assert can_precheck(table) is covered
