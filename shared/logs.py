"""Structured log lines: one JSON object each, as Cloud Logging reads them.

Logs never hold rows, only ids, counts and reason codes.

Source of the field names: Cloud Logging, "Structured logging", special JSON fields.
"""

import json
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal

Severity = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]

_trace: ContextVar[str] = ContextVar("trace", default="")


def set_trace(project: str, header: str | None) -> None:
    """Attach the lines that follow in this context to the trace of a request.

    Args:
        project: the Google Cloud project.
        header: `traceparent` or `X-Cloud-Trace-Context` as received, or None.
    """
    value = (header or "").split("/")[0]
    parts = value.split("-")
    identifier = parts[1] if len(parts) == 4 else parts[0]
    usable = len(identifier) == 32 and identifier.isascii() and identifier.isalnum()
    _trace.set(f"projects/{project}/traces/{identifier}" if usable else "")


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
    if trace := _trace.get():
        entry["logging.googleapis.com/trace"] = trace
    stream = sys.stderr if severity in ("ERROR", "CRITICAL") else sys.stdout
    stream.write(json.dumps(entry, default=str) + "\n")
    stream.flush()
