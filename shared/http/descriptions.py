"""What a route's documentation says beyond its method and path."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

Schema = Mapping[str, Any] | type[msgspec.Struct]
"""A JSON Schema, or the struct it is derived from."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of a call.

    Attributes:
        name: as it is sent.
        place: where it is sent.
        description: one sentence.
        schema: its JSON Schema.
        required: whether the call needs it; one in the path always is.
        example: a real value.
    """

    name: str
    place: Literal["path", "query", "header"]
    description: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    required: bool = False
    example: Any = None


@dataclass(frozen=True)
class Body:
    """The JSON body of a call.

    Attributes:
        description: one sentence.
        schema: of what is taken; None for a batch of the table that the path names.
        examples: real bodies by name.
        required: whether it must be there.
    """

    description: str
    schema: Schema | None
    examples: Mapping[str, Any] = field(default_factory=dict)
    required: bool = True


@dataclass(frozen=True)
class Answer:
    """One way in which a call is answered; problems are described by their slugs instead.

    Attributes:
        status: HTTP status code.
        description: one sentence.
        schema: of the body, or None where there is none or it is no JSON.
        example: a real body, as JSON values or as the struct it is.
        media_type: of the body; empty where there is none.
        headers: name and sentence of headers that matter.
    """

    status: int
    description: str
    schema: Schema | None = None
    example: Any = None
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
