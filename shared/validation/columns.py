"""The quick way for whole columns of decoded values: accepts only what is plainly good."""

from shared.tables.kind import ColumnCheck
from shared.tables.table import Table


def checks(table: Table) -> list[tuple[str, ColumnCheck]] | None:
    """The fields whose values need a check beyond their type, each with it.

    None if there are rules that the quick parts of the kinds do not know.
    """
    fields = table.fields.items()
    if table.has_rules_beyond_fields or not all(field.is_quick_in_json for _, field in fields):
        return None
    return [(name, field.json_check) for name, field in fields if field.json_check is not None]
