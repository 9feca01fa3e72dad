"""ingest_csv: load a file that was dropped in the uploads bucket, and archive it."""

import functions_framework
from cloudevents.http import CloudEvent
from flask import request

from shared import events


@functions_framework.cloud_event
def ingest_csv(event: CloudEvent) -> None:
    """Handle an event of the uploads bucket, or the sweep."""
    events.handle(event, request)
