"""Errors as callers see them: RFC 9457 problem details.

A `Problem` is raised, never returned. FunctionApp renders it, and turns every other exception into
the problem that `of` gives for it.
"""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

import msgspec
from flask import Response
from msgspec import UNSET, Meta, UnsetType
from werkzeug.exceptions import HTTPException

from shared.errors import ConfigurationError, TransientError, UnknownTable

PREFIX = "urn:tablegate:problem:"
MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5


class RejectedRow(msgspec.Struct):
    """A row of a batch that was rejected."""

    index: Annotated[int, Meta(description="Its place in the batch, from 0.", ge=0)]
    errors: Annotated[
        dict[str, list[str]],
        Meta(description="What is wrong, by field; `_row` for the row as a whole."),
    ]


class BrokenReference(msgspec.Struct):
    """Rows that a restore would leave without their parents."""

    table: str
    field: str
    parent: Annotated[str, Meta(description="The table of the parents.")]
    count: int
    examples: Annotated[list[dict[str, Any]], Meta(description="Keys of the first rows.")]


class ProblemDetails(msgspec.Struct):
    """RFC 9457 problem details. Members after `detail` are sent by the kinds that have them."""

    type: Annotated[
        str,
        Meta(description="The kind; never changes.", extra_json_schema={"format": "uri"}),
    ]
    title: Annotated[str, Meta(description="The kind in words.")]
    status: int
    detail: Annotated[str, Meta(description="What is wrong, and what to do about it.")]
    pointer: Annotated[
        str | UnsetType, Meta(description="Where in the body, as a JSON pointer.")
    ] = UNSET
    parameter: Annotated[str | UnsetType, Meta(description="The query parameter.")] = UNSET
    tables: Annotated[list[str] | UnsetType, Meta(description="The tables that exist.")] = UNSET
    limit_bytes: Annotated[int | UnsetType, Meta(description="The largest body.")] = UNSET
    batch_id: UUID | UnsetType = UNSET
    accepted: int | UnsetType = UNSET
    rejected_count: int | UnsetType = UNSET
    rejected: list[RejectedRow] | UnsetType = UNSET
    backup: Annotated[str | UnsetType, Meta(description="The backup's id.")] = UNSET
    broken: list[BrokenReference] | UnsetType = UNSET
    differs: Annotated[
        list[str] | UnsetType, Meta(description="What differs from the manifest.")
    ] = UNSET
    found: Annotated[str | UnsetType, Meta(description="The damage to the file.")] = UNSET
    missing: Annotated[list[str] | UnsetType, Meta(description="Fields that it lacks.")] = UNSET
    wrong: Annotated[list[str] | UnsetType, Meta(description="Fields of a wrong type.")] = UNSET
    count: Annotated[int | UnsetType, Meta(description="How many rows or keys.")] = UNSET
    examples: Annotated[
        list[dict[str, Any]] | UnsetType, Meta(description="The first of them.")
    ] = UNSET


class Problem(Exception):
    """A call that cannot be carried out.

    Attributes:
        status: HTTP status code.
        slug: a stable name of the kind, such as `unknown-table`; `type` ends with it.
        detail: what is wrong with this call, and what to do about it.
        headers: sent with the response.
        members: more facts, sent next to the standard members; `ProblemDetails` documents each.
    """

    def __init__(
        self,
        status: int,
        slug: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        self.status, self.slug, self.detail = status, slug, detail
        self.headers, self.members = dict(headers or {}), members
        super().__init__(detail)

    @property
    def type(self) -> str:
        """The URI that names the kind; it never changes."""
        return f"{PREFIX}{self.slug}"

    @property
    def title(self) -> str:
        """The kind in words, the same for all problems of the kind."""
        return self.slug.replace("-", " ").capitalize()

    def response(self) -> Response:
        """Return the response that carries the problem."""
        document = {
            "type": self.type,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **self.members,
        }
        return Response(
            msgspec.json.encode(document),
            self.status,
            headers=self.headers,
            content_type=MEDIA_TYPE,
        )


def of(error: Exception) -> Problem:
    """Return the problem to answer an exception with; it reveals nothing internal."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, UnknownTable):
        return Problem(404, "unknown-table", str(error), tables=list(error.known))
    if isinstance(error, TransientError):
        return Problem(
            503,
            "try-again",
            "A service that this one needs is unavailable or busy; send the same call again after "
            "the seconds in Retry-After.",
            headers={"Retry-After": str(RETRY_SECONDS)},
        )
    if isinstance(error, ConfigurationError):
        return Problem(
            500,
            "not-configured",
            "A setting of the service is missing; its operator finds its name in the log.",
        )
    if isinstance(error, HTTPException) and error.code is not None and error.code < 500:
        name = error.name.lower().replace(" ", "-").replace("'", "")
        return Problem(error.code, name, str(error.description or error.name))
    return Problem(500, "internal-error", "The service failed, and logged why; try again later.")
