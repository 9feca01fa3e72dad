"""Structured logs: one JSON line per event on stderr, never with a message's contents."""

import json
import sys
from datetime import UTC, datetime


def log(severity: str, message: str, **facts: str | int | float | None) -> None:
    """Write one line. `facts` may hold names of resources, numbers and kinds of errors only."""
    line = {
        "severity": severity,
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "component": "pubsub",
        "message": message,
        **facts,
    }
    sys.stderr.write(json.dumps(line, ensure_ascii=False) + "\n")
