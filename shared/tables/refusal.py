"""What a field says of a value it turns away: a code and facts, no sentence."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Refusal:
    """Why a value is turned away.

    Attributes:
        code: a stable word; `shared.validation.reasons` has the sentence for each.
        facts: what the sentence needs beyond the code; never the value itself.
    """

    code: str
    facts: tuple[tuple[str, Any], ...] = ()
