"""ingest_csv: a file was dropped in the uploads bucket; load its rows and move it on."""

from datetime import UTC, datetime

import functions_framework
from cloudevents.http import CloudEvent
from flask import request

from shared import events, ingest, logs, wiring
from shared.http import push


@functions_framework.cloud_event
def ingest_csv(event: CloudEvent) -> None:
    """Load the file that `event` speaks of, or on a sweep all that was left undone.

    Raises:
        TransientError: the event is to be delivered again.
        HTTPException: it is not the push service's.
    """
    settings = wiring.settings()
    if settings.check_events:
        push.admit(request, settings)
    uploads = ingest.uploads()
    if events.is_sweep(event):
        for stored in uploads.sweep(datetime.now(UTC)):
            logs.line("WARNING", "A forgotten upload was loaded", source=stored.identity)
        for load_id in uploads.sweep_waiting():
            logs.line("WARNING", "Rows that waited without need were loaded", load_id=load_id)
        return
    with events.dead_letter_on_error(event, settings, wiring.publisher()):
        upload = events.finalized(event)
        if upload.bucket == settings.uploads_bucket:
            uploads.ingest(upload.bucket, upload.name, upload.generation)
