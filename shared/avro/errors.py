"""The errors of Avro files.

PermanentError
└── AvroError       a file cannot be read, and why
"""

from typing import Any

from shared.errors import PermanentError


class AvroError(PermanentError):
    """An Avro file cannot be read.

    Attributes:
        code: a stable word: `not_avro`, `truncated`, `damaged`, `too_large`, `unknown_codec`,
            `wrong_schema` or `bad_rows`.
        facts: what was found, as plain values.
    """

    def __init__(self, code: str, sentence: str, **facts: Any) -> None:
        self.code, self.facts = code, facts
        super().__init__(sentence)
