"""store_rows: store the batches that Pub/Sub pushes."""

import functions_framework
from flask import Request, Response

from shared.api import store_rows as api
from shared.http.app import FunctionApp

app = FunctionApp("store_rows", api.ROUTES)


@functions_framework.http
def store_rows(request: Request) -> Response:
    """Answer a push of topic row-batches."""
    return app(request)
