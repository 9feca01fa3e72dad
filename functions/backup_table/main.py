"""backup_table: back tables up to Avro on Cloud Storage; list, verify and delete backups."""

from typing import TYPE_CHECKING

import functions_framework
from flask import Request, Response

from shared import tables, wiring
from shared.api.backup_table import BACK_UP, BACK_UP_ALL, DELETE, LIST, VERIFY
from shared.backups.backup import Backups
from shared.http import backups
from shared.http.answers import json_answer
from shared.http.routes import Call, Door

if TYPE_CHECKING:
    from shared.backups.backup import Backups


def back_up_all(call: Call) -> Response:
    """Back up all tables at one moment."""
    return backups.together(backups.taken(call, _backups(), list(tables.all_tables().values())))


def back_up(call: Call) -> Response:
    """Back up a table."""
    (found,) = backups.taken(call, _backups(), [tables.find(call.params["table_name"])])
    return json_answer(found, 201)


def look(call: Call) -> Response:
    """The backups of a table."""
    return backups.listed(_backups(), tables.find(call.params["table_name"]))


def verify(call: Call) -> Response:
    """Check a backup again."""
    return backups.checked(call, _backups())


def delete(call: Call) -> Response:
    """Delete a backup."""
    _backups().catalog.delete(backups.named(call, _backups()))
    return Response(status=204)


def _backups() -> "Backups":
    return Backups(wiring.settings(), wiring.engine(), wiring.storage_client())


ROUTES = [BACK_UP_ALL.to(back_up_all), BACK_UP.to(back_up), LIST.to(look)]
DOOR = Door("backup_table", [*ROUTES, VERIFY.to(verify), DELETE.to(delete)])


@functions_framework.http
def backup_table(request: Request) -> Response:
    """Answer a call."""
    return DOOR(request)
