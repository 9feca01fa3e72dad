"""Smoke test of a running platform: `python -m infra.smoke [--platform platform.json]`.

Uploads a row that changes no answer for each metric that has a probe, waits until it is loaded and
in BigQuery, and reads all metrics. Works on Google Cloud (`terraform output -json platform`) and
locally.
"""

import argparse
import base64
import csv
import io
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from shared.metrics import all_metrics
from shared.metrics.metric import Probe

# If a metric counts no table of a probe, any response will do; `_NEVER` means that it failed.
_EVER, _NEVER = datetime.min.replace(tzinfo=UTC) + timedelta(1), datetime.min.replace(tzinfo=UTC)
_NAP_SECONDS = 1.0


class SmokeTestFailed(Exception):
    """The platform failed a step; the text names it in one sentence."""


def main() -> int:
    """Run the test and return the exit status."""
    parser = argparse.ArgumentParser(description="Upload a file and read the metrics.")
    parser.add_argument("--platform", type=Path, default=Path(".local/platform.json"))
    parser.add_argument("--secret", help="secret in Secret Manager that holds the token")
    parser.add_argument(
        "--mark", help="text that makes this run's row differ from the previous one"
    )
    parser.add_argument("--seconds", type=float, default=300.0, help="how long each step may take")
    options = parser.parse_args()
    platform = json.loads(options.platform.read_text("utf-8"))
    mark = options.mark or datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    try:
        token = _secret(options.secret) if options.secret else platform.get("token", "")
        run(platform, os.environ.get("SMOKE_TOKEN", token), mark, options.seconds)
    except SmokeTestFailed as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def run(platform: Mapping[str, Any], token: str, mark: str, timeout_seconds: float) -> None:
    """Upload a file and follow it to the end.

    Raises:
        SmokeTestFailed: a step did not finish in time.
    """
    metrics = all_metrics()
    probes = {one.probe.table: one.probe for one in metrics.values() if one.probe is not None}
    where, client = platform["storage"], _client(platform)
    begun, started = datetime.now(UTC), time.monotonic()
    for table, probe in probes.items():
        name = f"smoke/{table}/{mark}.csv"
        blob = client.bucket(where["uploads"]).blob(name)
        blob.upload_from_string(_csv(probe, mark), content_type="text/csv")
        _say(f"uploaded gs://{where['uploads']}/{name}", started)
        processed = client.bucket(where["processed"]).blob(name)
        lost = f"{name} was not loaded: see the log of ingest_csv"
        _wait(processed.exists, lost, timeout_seconds)
        _say("loaded", started)
    for metric, one in metrics.items():
        since = begun if probes.keys() & set(one.counts) else _EVER
        address = f"{platform['gateway']}/{metric}"
        _wait(
            lambda address=address, since=since: _as_of(address, token) >= since,  # type: ignore[misc]
            f"{metric} did not answer, or does not include the load: see the log of sync_warehouse",
            timeout_seconds,
        )
        _say(f"{metric} answers", started)


def _csv(probe: Probe, mark: str) -> str:
    text = io.StringIO()
    cells = [str(value).replace("{mark}", mark) for value in probe.row.values()]
    csv.writer(text, lineterminator="\n").writerows([probe.row.keys(), cells])
    return text.getvalue()


def _client(platform: Mapping[str, Any]) -> Any:
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage

    if endpoint := platform["storage"].get("endpoint"):
        return storage.Client(
            project="any",
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": endpoint},
        )
    return storage.Client(project=platform["bigquery"]["project"])


def _secret(name: str) -> str:
    """Read the newest version of a secret."""
    import google.auth
    from google.auth.transport.requests import AuthorizedSession

    credentials, _ = google.auth.default(["https://www.googleapis.com/auth/cloud-platform"])
    address = f"https://secretmanager.googleapis.com/v1/{name}/versions/latest:access"
    answer = AuthorizedSession(credentials).get(address, timeout=60)
    if answer.status_code != 200:
        raise SmokeTestFailed(
            f"{name} cannot be read ({answer.status_code}): add a version, see infra/gcp/README.md."
        )
    return base64.b64decode(answer.json()["payload"]["data"]).decode().strip()


def _as_of(address: str, token: str) -> datetime:
    """Return when the newest load that a metric counts finished; `_NEVER` if the call fails.

    Raises:
        SmokeTestFailed: the call is refused, and a retry would be too.
    """
    request = urllib.request.Request(address, headers={"X-Token": token})  # noqa: S310 - of our own
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310  # nosec B310 # https
            as_of = json.load(answer)["as_of"]
    except urllib.error.HTTPError as error:
        if error.code in (401, 403, 404):
            raise SmokeTestFailed(f"{address} answers {error.code}: check SMOKE_TOKEN.") from error
        return _NEVER
    except OSError:
        return _NEVER
    return datetime.fromisoformat(as_of) if as_of else _EVER


def _wait(question: Callable[[], bool], otherwise: str, timeout_seconds: float) -> None:
    limit = time.monotonic() + timeout_seconds
    while not question():
        if time.monotonic() > limit:
            raise SmokeTestFailed(f"Within {timeout_seconds:.0f} s {otherwise}.")
        time.sleep(_NAP_SECONDS)


def _say(what: str, started: float) -> None:
    sys.stdout.write(f"{time.monotonic() - started:6.1f} s  {what}\n")


if __name__ == "__main__":
    sys.exit(main())
