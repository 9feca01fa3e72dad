"""Changes of SQL, one at a time."""

import re
from collections.abc import Iterator

# What is looked for, and what stands there instead. Lower case: keywords of this project are.
_CHANGES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"(?<!between)\band\b(?! row)", "or"),
        (r"\bor\b(?! replace)", "and"),
        (r"(?<![<>=!:-])<(?![<>=@-])", "<="),
        (r"(?<![<>=!:-])>(?![<>=])", ">="),
        (r"<=", "<"),
        (r">=", ">"),
        (r"<>", "="),
        (r"(?<![<>!:=~])=(?![=>])", "<>"),
        (r"\bis null\b", "is not null"),
        (r"\bis not null\b", "is null"),
        (r"\bis not distinct from\b", "is distinct from"),
        (r"\bis distinct from\b", "is not distinct from"),
        (r"\bnot (?=exists|in\b|any|[a-z_.]+\b(?! null| exists| distinct))", ""),
        (r"\bdistinct\b(?! from)", ""),
        (r"\border by [^()\n]+?(?=\)|\n|$)", ""),
        (r"\b(?:for update|for share|for no key update)\b[a-z ]*", ""),
        (r"\bskip locked\b", ""),
        (r"\blimit [^\s)]+", ""),
        (r"\bdesc\b", "asc"),
        (r"\bunion all\b", "union"),
        (r"\bleft join\b", "join"),
        (r"\bon conflict[^\n]* do nothing\b", ""),
        (r"\bshare row exclusive\b", "row share"),
        (r"\bmin\(", "max("),
        (r"\bmax\(", "min("),
        (r"\bgreatest\(", "least("),
        (r"\bleast\(", "greatest("),
        (r"\btrue\b", "false"),
        (r"\bfalse\b", "true"),
        (r"\bconcurrently\b", ""),
        (r"\brepeatable read\b", "read committed"),
        (r"(?<= )\+(?= )", "-"),
        (r"(?<= )-(?= )", "+"),
    )
)
_NUMBER = re.compile(r"(?<![\w.{])\d+(?![\w.}])")
# Comments, and descriptions, which people read and no program does.
_WORDS = re.compile(r"--[^\n]*|/\*.*?\*/|'[^'\n]* [^'\n]*'", re.DOTALL)
_LOOKS_LIKE_SQL = re.compile(
    r"\b(?:select\b.*\bfrom|insert into|update\b.*\bset|delete from|lock table|merge\b"
    r"|set transaction"
    r"|set local|where|order by|for update|for share|on conflict|create (?:temp|table|index)|copy\b"
    r"|returning|join\b|begin|is (?:not )?(?:null|distinct)|alter table|drop|truncate)\b",
    re.DOTALL,
)


def looks_like_sql(text: str) -> bool:
    """Whether a text in Python is a statement or a part of one."""
    return text == text.lower() and " " in text and bool(_LOOKS_LIKE_SQL.search(text))


def changes(text: str) -> Iterator[tuple[int, int, str]]:
    """Each change of a statement: first and last character, and what stands there instead."""
    words = [found.span() for found in _WORDS.finditer(text)]
    for pattern, replacement in _CHANGES:
        for found in pattern.finditer(text):
            if not any(start <= found.start() < end for start, end in words):
                yield found.start(), found.end(), replacement
    for found in _NUMBER.finditer(text):
        if not any(start <= found.start() < end for start, end in words):
            yield found.start(), found.end(), str(int(found.group()) + 1)
