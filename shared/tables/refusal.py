"""Why a field rejects a value: a code and facts. The sentence is made when it is read."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Refusal:
    """Why a value is rejected.

    Attributes:
        code: a stable word; `shared.validation.reasons` has the sentence for each.
        facts: what the sentence needs besides the code; never the value itself.
    """

    code: str
    facts: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Reason:
    """The text for a code, as people read it.

    Attributes:
        title: what is wrong, in a few words.
        template: the sentence, with the facts' names in braces.
    """

    title: str
    template: str
