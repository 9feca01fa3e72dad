"""The catalogue of reasons for rejecting a row: code, title, template.

A code never changes. A reject keeps its code and facts; the sentence is made
when it is read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reason:
    """One entry of the catalogue.

    Attributes:
        title: the error in a few words.
        template: the sentence, with the facts' names in braces.
    """

    title: str
    template: str


CATALOGUE: dict[str, Reason] = {
    "missing": Reason("Value missing", "A value is required; give one."),
    "not_an_integer": Reason(
        "Not an integer",
        "Not a whole number; write digits only, without sign, point, space or quotation marks.",
    ),
    "out_of_range": Reason(
        "Integer out of range", "Must be from {minimum} to {maximum}; give a number in that range."
    ),
    "not_text": Reason("Not text", "Must be text; put it in quotation marks."),
    "blank": Reason("Blank text", "Must hold more than blanks; give a text."),
    "too_long": Reason(
        "Text too long", "Has {length} characters, at most {maximum} are allowed; shorten it."
    ),
    "nul_character": Reason("NUL character", "Holds a NUL character; remove it."),
    "not_unicode": Reason(
        "Not Unicode text", "Holds half of a surrogate pair; send the whole character."
    ),
    "not_a_timestamp": Reason(
        "Not a timestamp",
        "Not an ISO 8601 date and time with offset; write it like 2021-07-27T16:02:08Z.",
    ),
    "no_offset": Reason(
        "Timestamp without offset", "The offset from UTC is missing; end it with Z or like +02:00."
    ),
    "timestamp_out_of_range": Reason(
        "Timestamp out of range", "In UTC it falls outside the years 0001 to 9999; correct it."
    ),
    "unknown_field": Reason("Unknown field", "The table has no field of this name; remove it."),
    "not_an_object": Reason("Not an object", "A row must be an object of field names and values."),
    "rule_broken": Reason("Rule of the table broken", "{sentence}"),
    "too_few_fields": Reason(
        "Too few fields", "Has {found} fields where the table has {expected}; add what is missing."
    ),
    "too_many_fields": Reason(
        "Too many fields",
        "Has {found} fields where the table has {expected}; put a field that holds a comma in "
        "quotation marks.",
    ),
    "bad_quoting": Reason(
        "Bad quotation marks",
        "A quotation mark is not closed, or followed by more than a comma; double those inside.",
    ),
    "row_too_long": Reason(
        "Row too long", "Is longer than {maximum} bytes; shorten it or raise MAX_LINE_BYTES."
    ),
    "conflict": Reason(
        "Conflicts with a stored row",
        "A row of this key is stored with other values and the table keeps what it has; change "
        "the key.",
    ),
    "missing_parent": Reason(
        "Parent row missing",
        "There is no row of this key in {table} yet; it is stored as soon as that row arrives.",
    ),
}

ROW = "_row"
"""The field name of errors in the row as a whole."""


def sentence(code: str, facts: Mapping[str, Any]) -> str:
    """The sentence for a code and its facts; the code itself if facts or entry are missing."""
    reason = CATALOGUE.get(code)
    try:
        return reason.template.format_map(facts) if reason else code
    except KeyError:
        return code
