"""restore_table: a backup back into its table, in one transaction or not at all."""

import functions_framework
from flask import Request, Response

from shared import tables, wiring
from shared.api.restore_table import RESTORE, Restore
from shared.backups import restore as restoring
from shared.http import backups, bodies, restores
from shared.http.routes import Call, Door


def restore(call: Call) -> Response:
    """Restore a table, and see to what follows from it."""
    table = tables.find(call.params["table_name"])
    asked = bodies.read(call.request, Restore)
    engine, client, settings = wiring.engine(), wiring.storage_client(), wiring.settings()
    with backups.problems():
        order = restores.order(call, client, settings, table, asked)
        done = restoring.restore(engine, client, order, settings.lock_timeout_seconds)
    restores.follow_up(engine, wiring.publisher, settings, table, done)
    return backups.restored(order, done)


DOOR = Door("restore_table", [RESTORE.to(restore)])


@functions_framework.http
def restore_table(request: Request) -> Response:
    """Answer a call."""
    return DOOR(request)
