"""Structured log lines, one JSON object each, in the form Cloud Logging reads.

Source of the field names: Cloud Logging, "Structured logging", special JSON fields.
Rows never go into a log: only ids, counts and reason codes.
"""

import json
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal

Severity = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]

_trace: ContextVar[str] = ContextVar("trace", default="")


def set_trace(project: str, header: str | None) -> None:
    """Attach the lines that follow in this context to a request's trace.

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
    """Write one line to standard output (errors to standard error).

    Args:
        severity: as Cloud Logging names it.
        message: a fixed sentence; what varies goes into `facts`.
        labels: what alerts select by.
        facts: ids, counts and codes, as JSON values or anything `str` makes readable.
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
