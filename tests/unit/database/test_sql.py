"""Composed SQL quotes every name and reads as if written by hand."""

import pytest

from shared.database.sql import (
    columns,
    composed,
    equal,
    json_object,
    listed,
    literal,
    qualified,
    quoted,
    restore_lock_key,
    row,
)


def test_a_template_is_dedented_and_filled():
    text = composed(
        """
        select {columns}
        from {table}
        """,
        columns='"id"',
        table="public.jobs",
    )

    assert text == 'select "id"\nfrom public.jobs'


def test_a_multi_line_part_is_indented_like_its_placeholder():
    inner = composed("exists (\n    {query}\n)", query="select\nfrom jobs")

    assert composed("where\n    {inner}", inner=inner) == (
        "where\n    exists (\n        select\n        from jobs\n    )"
    )


def test_a_line_with_only_empty_parts_is_dropped():
    assert composed("select 1\n{where}\nlimit 1", where="") == "select 1\nlimit 1"


def test_other_braces_are_left_alone():
    assert composed("select '{}'::uuid[], '{1,2}'::bigint[]") == (
        "select '{}'::uuid[], '{1,2}'::bigint[]"
    )


def test_placeholders_inside_a_part_are_not_expanded():
    assert composed("select {text}", text="'{table}'") == "select '{table}'"


def test_a_missing_part_is_an_error():
    with pytest.raises(KeyError, match="row_md5"):
        composed("select {row_md5}")


def test_an_identifier_cannot_break_out_of_its_quotes():
    assert quoted('a"; drop table jobs; --') == '"a""; drop table jobs; --"'
    with pytest.raises(ValueError, match="NUL"):
        quoted("a\x00b")


def test_a_literal_cannot_break_out_of_its_quotes():
    assert literal("a'; drop table jobs; --") == "'a''; drop table jobs; --'"


def test_columns_are_quoted_and_qualified():
    assert qualified("jobs") == 'public."jobs"'
    assert columns(["id", "job"]) == '"id", "job"'
    assert columns(["id", "job"], "stored") == 'stored."id", stored."job"'
    assert row(["id", "job"], "stored") == '(stored."id", stored."job")'
    assert equal(["id", "job"], "stored", "staged") == (
        'stored."id" = staged."id" and stored."job" = staged."job"'
    )
    assert json_object(["id"], "stored") == "jsonb_build_object('id', stored.\"id\")"


def test_a_long_list_has_one_item_per_line():
    names = [f"column_{number}" for number in range(10)]

    assert listed(names[:3]) == "column_0, column_1, column_2"
    assert listed(names) == ",\n".join(names)
    assert row(names, "stored").startswith('(\n    stored."column_0",\n')


def test_each_table_has_its_own_lock():
    assert restore_lock_key("jobs") == "hashtext('tablegate jobs')"
