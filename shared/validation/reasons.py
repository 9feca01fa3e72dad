"""The catalogue of reasons for rejecting a row: code, title, template.

A code never changes. A reject keeps its code and facts; the sentence is made when it is read. Each
kind of field defines its reasons in its file.
"""

from collections.abc import Mapping
from typing import Any

from shared.tables.kinds import KINDS
from shared.tables.refusal import Reason

_OF_ROWS = {
    "missing": Reason("Value missing", "A value is required; give one."),
    "unknown_field": Reason("Unknown field", "The table has no field of this name; remove it."),
    "not_an_object": Reason("Not an object", "A row must be an object of field names and values."),
    "not_finite": Reason("Not a finite number", "JSON has no such number; send a finite one."),
    "in_the_future": Reason(
        "In the future", "Is later than now; correct it, or leave the field out of the file."
    ),
    "rule_broken": Reason("Rule of the table broken", "{sentence}"),
    "check_failed": Reason("Check of the table violated", "{sentence}"),
    "too_few_fields": Reason(
        "Too few fields", "Has {found} fields, but the table has {expected}; add what is missing."
    ),
    "too_many_fields": Reason(
        "Too many fields",
        "Has {found} fields, but the table has {expected}; put a field that holds a comma in "
        "quotation marks.",
    ),
    "bad_quoting": Reason(
        "Bad quotation marks",
        "A quotation mark is not closed, or followed by more than a comma; double those inside.",
    ),
    "not_utf8": Reason(
        "Not UTF-8", "Holds the byte {byte}, which is not UTF-8; save the file as UTF-8."
    ),
    "row_too_long": Reason(
        "Row too long", "Is longer than {maximum} bytes; shorten it or raise MAX_LINE_BYTES."
    ),
    "row_cut": Reason(
        "Kept cut",
        "Only the first {kept} of the row's {size} characters were kept; send the whole row again "
        "from where it came, and discard this one.",
    ),
    "conflict": Reason(
        "Conflicts with a stored row",
        "A row with this key is stored with other values, and the table keeps the stored row; "
        "change the key.",
    ),
    "not_unique": Reason(
        "Not unique", "Another row has the same {fields}, which must be unique; change them."
    ),
    "unique_too_long": Reason(
        "Unique values too long",
        "The values of {fields}, which must be unique, are too long together to be compared; "
        "shorten them.",
    ),
    "missing_parent": Reason(
        "Parent row missing",
        "No row of {table} has this key yet; this row is stored as soon as that one arrives.",
    ),
}

CATALOGUE: Mapping[str, Reason] = _OF_ROWS | {
    code: reason for kind in KINDS.values() for code, reason in kind.reasons.items()
}
"""Every reason by its code."""

ROW = "_row"
"""The field name of errors in the row as a whole."""


def sentence(code: str, facts: Mapping[str, Any]) -> str:
    """Build the sentence for a code and its facts, or return the code if either is unknown."""
    reason = CATALOGUE.get(code)
    try:
        return reason.template.format_map(facts) if reason else code
    except KeyError:
        return code
