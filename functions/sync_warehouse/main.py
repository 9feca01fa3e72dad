"""sync_warehouse: sync changes from PostgreSQL to BigQuery, and compare the two."""

import functions_framework
from flask import Request, Response

from shared.api import sync_warehouse as api
from shared.http.app import FunctionApp

app = FunctionApp("sync_warehouse", api.ROUTES)


@functions_framework.http
def sync_warehouse(request: Request) -> Response:
    """Answer a push of table-changed or of the sweep, or a call to reconcile."""
    return app(request)
