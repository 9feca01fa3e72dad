"""sync_warehouse: bring to BigQuery what has changed in PostgreSQL, and compare the two."""

from typing import TYPE_CHECKING

import functions_framework
from flask import Request, Response

from shared import tables, wiring
from shared.api.sync_warehouse import RECONCILE, SYNC, Reconcile
from shared.http import bodies, reconciled
from shared.http.push import PushMessage
from shared.http.routes import Call, Door
from shared.warehouse.bigquery import connect
from shared.warehouse.reconcile import reconcile
from shared.warehouse.sync import Sync

if TYPE_CHECKING:
    from shared.warehouse.sync import Sync

# Under a steady load BigQuery is behind by this much more, and everything else is quicker.
GATHER_SECONDS = 0.5


def sync(call: Call) -> Response:
    """Bring all that is pending, whatever the message says: many are worked as one."""
    named = "table" in PushMessage.read(call.request).attributes
    _sync().run() if named else _sync().sweep()
    return Response(status=204)


def compare(call: Call) -> Response:
    """Compare BigQuery with PostgreSQL, and mend it if asked to."""
    asked = bodies.read(call.request, Reconcile, may_be_empty=True)
    chosen = None if asked.table is None else [tables.find(asked.table)]
    return reconciled.answer(reconcile(_sync(), chosen, repair=asked.repair))


def _sync() -> "Sync":
    settings = wiring.settings()
    settings.require("staging_bucket")
    warehouse = connect(wiring.bigquery_client(), settings)
    return Sync(
        wiring.engine(),
        warehouse,
        wiring.object_store(),
        settings.staging_bucket,
        GATHER_SECONDS,
    )


DOOR = Door("sync_warehouse", [SYNC.to(sync), RECONCILE.to(compare)])


@functions_framework.http
def sync_warehouse(request: Request) -> Response:
    """Answer a push of table-changed or of the sweep, or a call to reconcile."""
    return DOOR(request)
