"""Routes: method, path and handler, with everything that the OpenAPI document says about them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

import msgspec
from flask import Request, Response

PUBLIC: Final = "public"
"""The scope of a route that anyone may call."""

PUSH: Final = "push"
"""The scope of a route that only the platform's own Pub/Sub subscriptions may call."""

UNLIMITED: Final = sys.maxsize
"""The `max_bytes` of a body that only `max_body_bytes` limits."""

Schema: TypeAlias = Mapping[str, Any] | type
"""A JSON Schema, or the struct it is derived from."""


class Context(msgspec.Struct, frozen=True):
    """A call that passed authentication.

    Attributes:
        request: Flask's request; the size of its body is limited.
        params: the values of the placeholders in the route's path.
        sender: the token's name, the push service's account, or empty on a public route.
        secret: the hash of the token, or empty.
    """

    request: Request
    params: Mapping[str, Any]
    sender: str
    secret: str = ""


Handler: TypeAlias = Callable[[Context], Response]


class Parameter(msgspec.Struct, frozen=True):
    """A parameter of a call.

    Attributes:
        name: its name in the call.
        place: where the call carries it.
        description: one sentence.
        schema: its JSON Schema.
        required: whether the call needs it; a path parameter is always required.
        example: a real value.
    """

    name: str
    place: Literal["path", "query", "header"]
    description: str
    schema: Mapping[str, Any] = msgspec.field(default_factory=lambda: {"type": "string"})
    required: bool = False
    example: Any = None


class Body(msgspec.Struct, frozen=True):
    """The JSON body of a call.

    Attributes:
        description: one sentence.
        schema: what the call takes.
        examples: real bodies by name.
        required: whether the call needs a body.
        max_bytes: its largest size. Decoded, it takes up to 50 times as much memory.
    """

    description: str
    schema: Schema
    examples: Mapping[str, Any] = msgspec.field(default_factory=dict)
    required: bool = True
    max_bytes: int = 1 << 16


class ResponseSpec(msgspec.Struct, frozen=True):
    """A response that is not a problem; problems are described by their slugs.

    Attributes:
        status: HTTP status code.
        description: one sentence.
        schema: the JSON body, or None if there is no body or it is not JSON.
        example: a real body, as JSON values or as a struct.
        media_type: the media type of the body; empty for a response without a body.
        headers: name and one sentence for each header worth knowing.
    """

    status: int
    description: str
    schema: Schema | None = None
    example: Any = None
    media_type: str = "application/json"
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)


class Route(msgspec.Struct, frozen=True):
    """One path and method of a function, its handler and its documentation.

    Attributes:
        method: HTTP method.
        path: werkzeug rule below the function's name: `/`, `/<table>`, `/batches/<uuid:batch_id>`.
        handler: answers the call.
        scope: one of `settings.SCOPES`, `PUBLIC` or `PUSH`.
        more_scopes: other scopes that the token needs as well.
        summary: a few words.
        description: sentences, in Markdown.
        parameters: in path, query and headers.
        body: the JSON body it takes, or None.
        responses: the responses that are not problems.
        problems: slugs by status, besides those that every route shares.
        scheduled: whether the scheduler may call it too, with the push service's identity.
        at_root: whether the path is documented without the function's name before it.
        documented: whether the OpenAPI document lists it.
        is_long: whether its work may take as long as the function may; else what it waits for
            has `call_seconds` to answer. A push's work may always.
    """

    method: str
    path: str
    handler: Handler
    scope: str
    more_scopes: Sequence[str] = ()
    summary: str = ""
    description: str = ""
    parameters: Sequence[Parameter] = ()
    body: Body | None = None
    responses: Sequence[ResponseSpec] = ()
    problems: Mapping[int, Sequence[str]] = msgspec.field(default_factory=dict)
    scheduled: bool = False
    at_root: bool = False
    documented: bool = True
    is_long: bool = False
