"""Cells of CSV files that people open in a spreadsheet: shown there, never run.

A spreadsheet takes a cell for a formula by its first character, and some pass over blanks and marks
without a width before it, and take the full-width characters of East Asian keyboards for the same.
"""

import re

_BLANK = r"[\s\x00-\x20\ufeff\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069]*"
# An apostrophe too, so that one that was there is told from one that was put there.
_IS_TAKEN_FOR_MORE = re.compile(rf"[\t\r\n']|{_BLANK}[=+\-@|%＝＋－＠｜％﹦﹢﹣﹫]").match


def shield(cell: str) -> str:
    """The cell as a spreadsheet shows it and never runs it: with an apostrophe before it."""
    return f"'{cell}" if _IS_TAKEN_FOR_MORE(cell) else cell


def unshield(cell: str) -> str:
    """What `shield` was given."""
    return cell[1:] if cell.startswith("'") and _IS_TAKEN_FOR_MORE(cell[1:]) else cell
