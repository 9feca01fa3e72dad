"""The dashboard: its page, and the calls that only the page makes."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec
from flask import Response

from shared import dashboard, tables, wiring
from shared.api import examples
from shared.api.uploads import UPLOAD
from shared.dashboard import loads
from shared.dashboard.loads import LoadProgress, ReasonCount, Reasons
from shared.http import queries
from shared.http.responses import json_response
from shared.http.routes import PUBLIC, Context, Parameter, ResponseSpec, Route
from shared.loading.ledger import Counts
from shared.metrics import all_metrics
from shared.metrics.metric import Metric
from shared.settings import Settings
from shared.tables.kind import FormInput
from shared.tables.table import Table


class FormField(msgspec.Struct):
    """A field of a table, and how a form asks for it."""

    name: str
    was: Sequence[str]
    kind: str
    description: str
    input: FormInput


class FormTable(msgspec.Struct):
    """A table as the page's forms need it."""

    name: str
    description: str
    fields: list[FormField]


class MetricParameter(msgspec.Struct):
    """What a metric can be asked for."""

    name: str
    minimum: int
    maximum: int
    default: int


class MetricCard(msgspec.Struct):
    """A metric as the page shows it.

    Attributes:
        texts: the columns that hold texts.
        measures: the columns that are numbers to compare.
        mean: the member of the answer to compare them with, or None.
    """

    name: str
    title: str
    parameters: list[MetricParameter]
    columns: list[str]
    texts: list[str]
    measures: list[str]
    mean: str | None


class MetricCards(msgspec.Struct):
    """The metrics that the page shows."""

    metrics: list[MetricCard]


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


def list_metrics(_: Context) -> Response:
    """List the metrics, for the page's cards."""
    return json_response(cards())


def cards() -> MetricCards:
    """Return how the page shows each metric, in the order of their names."""
    return MetricCards(list(map(_card, all_metrics().values())))


def load_state(context: Context) -> Response:
    """Answer with the state of a load."""
    load_id = queries.uuid("load_id", context.params["load_id"])
    return json_response(loads.state(wiring.engine(), load_id))


def count_reasons(_: Context) -> Response:
    """Count open rejects by reason."""
    return json_response(loads.reasons(wiring.engine()))


def _card(metric: Metric) -> MetricCard:
    asked = [
        MetricParameter(one.name, one.minimum, one.maximum, one.default)
        for one in metric.parameters
    ]
    columns, measures = list(metric.columns), list(metric.measures)
    texts = list(metric.texts)
    return MetricCard(metric.name, metric.title, asked, columns, texts, measures, metric.mean)


def _form_table(table: Table) -> FormTable:
    return FormTable(
        table.name,
        table.description,
        [
            FormField(
                name, field.was, type(field).__name__.lower(), field.description, field.form_input
            )
            for name, field in table.fields.items()
        ],
    )


_LOAD_ID = UUID("7f0f8b0e-5c0b-4f43-9f0e-2a4f1f6f8a10")
_COUNTS = Counts(inserted=2, rejected=1)

PAGE = Route("GET", "/", page, scope=PUBLIC, documented=False)
ASSET = Route("GET", "/assets/<name>", asset, scope=PUBLIC, documented=False)
TABLES = Route("GET", "/tables", list_tables, scope=PUBLIC, documented=False)
METRICS = Route("GET", "/metrics", list_metrics, scope=PUBLIC, documented=False)

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
            LoadProgress(_LOAD_ID, "done", examples.TABLE, _COUNTS),
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
            Reasons([ReasonCount(examples.TABLE, "rejected", "missing", "Value missing", 2)]),
        ),
    ),
)

ROUTES = {"dashboard": (PAGE, ASSET, TABLES, METRICS, LOAD, REASONS, UPLOAD)}
