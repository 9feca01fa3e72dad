"""backup_table: back tables up to Avro on Cloud Storage; list, verify and delete backups."""

import functions_framework
from flask import Request, Response

from shared.api import backups
from shared.http.app import FunctionApp

app = FunctionApp("backup_table", backups.ROUTES)


@functions_framework.http
def backup_table(request: Request) -> Response:
    """Answer a call."""
    return app(request)
