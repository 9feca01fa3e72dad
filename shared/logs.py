"""Structured log lines: one JSON object each, as Cloud Logging reads them.

Logs never hold rows, only ids, counts and reason codes.

Source of the field names: Cloud Logging, "Structured logging", special JSON fields.
"""

import json
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal
from uuid import uuid4

Severity = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]

_IDENTIFIER = re.compile(r"[0-9A-Za-z]{32}")

_trace: ContextVar[str] = ContextVar("trace", default="")
_request_id: ContextVar[str] = ContextVar("request_id", default="")


def begin_request(project: str, header: str | None) -> str:
    """Give the lines that follow in this context a request's id, and attach them to its trace.

    Args:
        project: the Google Cloud project.
        header: `traceparent` or `X-Cloud-Trace-Context` as received, or None.

    Returns:
        The id: the trace's, so that it stands in other services' logs too, or else a new one.
    """
    identifier = trace_id(header)
    _trace.set(f"projects/{project}/traces/{identifier}" if identifier else "")
    request_id = identifier or uuid4().hex
    _request_id.set(request_id)
    return request_id


def trace_id(header: str | None) -> str:
    """Return the trace's id from a `traceparent` or `X-Cloud-Trace-Context`, or an empty text."""
    parts = (header or "").split("/")[0].split("-")
    identifier = parts[1] if len(parts) == 4 else parts[0]
    return identifier if _IDENTIFIER.fullmatch(identifier) else ""


def line(
    severity: Severity, message: str, *, labels: dict[str, str] | None = None, **facts: object
) -> None:
    """Write one line to standard output, or standard error if it is an error.

    Args:
        severity: a severity of Cloud Logging.
        message: a fixed sentence; what varies belongs in `facts`.
        labels: what alerts filter by.
        facts: ids, counts and codes; what is not a JSON value is converted by `str`.
    """
    entry: dict[str, object] = {
        "severity": severity,
        "message": message,
        "time": datetime.now(UTC).isoformat(),
        **facts,
    }
    if labels:
        entry["logging.googleapis.com/labels"] = labels
    if request_id := _request_id.get():
        entry["request_id"] = request_id
    if trace := _trace.get():
        entry["logging.googleapis.com/trace"] = trace
    stream = sys.stderr if severity in ("ERROR", "CRITICAL") else sys.stdout
    stream.write(json.dumps(entry, default=str) + "\n")
    stream.flush()
