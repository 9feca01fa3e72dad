"""One JSON line on stderr for each thing worth knowing; never what a message holds."""

import json
import sys
from datetime import UTC, datetime


def log(severity: str, message: str, **facts: str | int | float | None) -> None:
    """Write one line. `facts` name resources, numbers and kinds of errors only."""
    line = {
        "severity": severity,
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "component": "pubsub",
        "message": message,
        **facts,
    }
    sys.stderr.write(json.dumps(line, ensure_ascii=False) + "\n")
