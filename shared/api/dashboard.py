"""The dashboard: its page, and the calls that only the page makes."""

from __future__ import annotations

from uuid import UUID

import msgspec
from flask import Response

from shared import dashboard, tables, wiring
from shared.api.uploads import UPLOAD
from shared.dashboard import loads
from shared.dashboard.loads import LoadProgress, ReasonCount, Reasons
from shared.http import queries
from shared.http.responses import json_response
from shared.http.routes import PUBLIC, Context, Parameter, ResponseSpec, Route
from shared.loading.ledger import Counts
from shared.settings import Settings
from shared.tables.kind import FormInput
from shared.tables.table import Table


class FormField(msgspec.Struct):
    """A field of a table, and how a form asks for it."""

    name: str
    kind: str
    description: str
    input: FormInput


class FormTable(msgspec.Struct):
    """A table as the page's forms need it."""

    name: str
    description: str
    fields: list[FormField]


class Forms(msgspec.Struct):
    """What the page needs to build its forms."""

    tables: list[FormTable]
    max_upload_bytes: int


def page(context: Context) -> Response:
    """Answer with the page."""
    return dashboard.PAGE.show(context.request)


def asset(context: Context) -> Response:
    """Answer with a file of the page."""
    return dashboard.PAGE.asset(context.request, context.params["name"])


def list_tables(_: Context) -> Response:
    """List the tables, for the page's forms."""
    return json_response(forms(wiring.settings()))


def forms(settings: Settings) -> Forms:
    """Return the tables, parents before the tables that refer to them, and a file's size limit."""
    found = map(_form_table, tables.all_tables().values())
    return Forms(list(found), settings.max_upload_bytes)


def load_state(context: Context) -> Response:
    """Answer with the state of a load."""
    load_id = queries.uuid("load_id", context.params["load_id"])
    return json_response(loads.state(wiring.engine(), load_id))


def count_reasons(_: Context) -> Response:
    """Count open rejects by reason."""
    return json_response(loads.reasons(wiring.engine()))


def _form_table(table: Table) -> FormTable:
    return FormTable(
        table.name,
        table.description,
        [
            FormField(name, type(field).__name__.lower(), field.description, field.form_input)
            for name, field in table.fields.items()
        ],
    )


_LOAD_ID = UUID("7f0f8b0e-5c0b-4f43-9f0e-2a4f1f6f8a10")
_COUNTS = Counts(inserted=2, rejected=1)

PAGE = Route("GET", "/", page, scope=PUBLIC, documented=False)
ASSET = Route("GET", "/assets/<name>", asset, scope=PUBLIC, documented=False)
TABLES = Route("GET", "/tables", list_tables, scope=PUBLIC, documented=False)

LOAD = Route(
    "GET",
    "/loads/<load_id>",
    load_state,
    # A caller who may send rows may follow their load; the response holds only counts.
    scope="rows",
    summary="The state of a load",
    parameters=(
        Parameter(
            "load_id",
            "path",
            "The id from the response to the upload.",
            {"type": "string", "format": "uuid"},
            example=str(_LOAD_ID),
        ),
    ),
    responses=(
        ResponseSpec(
            200,
            "Pending, done with counts, or failed.",
            LoadProgress,
            LoadProgress(_LOAD_ID, "done", "jobs", _COUNTS),
        ),
    ),
    problems={400: ("unusable-parameter",)},
)

REASONS = Route(
    "GET",
    "/reasons",
    count_reasons,
    scope="rejects",
    summary="Count open rejects by reason",
    responses=(
        ResponseSpec(
            200,
            "The counts.",
            Reasons,
            Reasons([ReasonCount("jobs", "rejected", "missing", "Value missing", 2)]),
        ),
    ),
)

ROUTES = {"dashboard": (PAGE, ASSET, TABLES, LOAD, REASONS, UPLOAD)}
