"""restore_table: restore a backup into its table, in one transaction or not at all."""

import functions_framework
from flask import Request, Response

from shared.api import restores
from shared.http.app import FunctionApp

app = FunctionApp("restore_table", restores.ROUTES)


@functions_framework.http
def restore_table(request: Request) -> Response:
    """Answer a call."""
    return app(request)
