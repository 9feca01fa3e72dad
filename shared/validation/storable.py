"""What is kept of a rejected row: JSON that PostgreSQL's jsonb takes, within limits."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from shared import strict_json

MAX_ROW_BYTES = 1 << 20
"""Size of a row, as JSON, up to which it is kept whole."""
KEPT_CHARACTERS = 10_000
"""Characters that are kept of a larger row's JSON."""
# Of a name or a fact; an ellipsis follows it.
_FACT_CHARACTERS = 200

# JSON's decoder joins the halves that belong together: those left are alone.
_HALF_A_PAIR = re.compile("[\ud800-\udfff]")
# NUL, halves of pairs, what is no number, and numbers that may be beyond jsonb.
_UNSTORABLE = re.compile(
    rb"\\u(?:0000|[dD][89a-fA-F])|NaN|Infinity|[0-9.]{100}|[0-9.][eE][+-]?[0-9]{3}"
)


def storable(value: Any) -> Any:
    """Replace the characters that PostgreSQL's jsonb cannot hold by visible ones.

    NUL becomes U+2400, and half a surrogate pair U+FFFD.
    """
    if isinstance(value, str):
        if value.isascii() and "\x00" not in value:
            return str(value)
        return _HALF_A_PAIR.sub("\ufffd", value).replace("\x00", "\u2400")
    if isinstance(value, Mapping):
        return {storable(str(name)): storable(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [storable(item) for item in value]
    return value


def storable_json(text: bytes) -> msgspec.Raw:
    """Return strict JSON on one line, as `storable`, with each number as it is written.

    A number that is not finite, or that jsonb cannot hold, becomes a text. Few texts have to be
    built for it: built, JSON takes many times its size.

    Raises:
        NotStrictJson: the text is not strict JSON, and had to be built.
    """
    if _UNSTORABLE.search(text):
        return msgspec.Raw(msgspec.json.encode(storable(strict_json.decode_exact(text))))
    return msgspec.Raw(msgspec.json.format(text, indent=-1))


def shortened(text: str) -> str:
    """Cut a long text, and mark it with an ellipsis."""
    return text if len(text) <= _FACT_CHARACTERS else f"{text[:_FACT_CHARACTERS]}\u2026"
