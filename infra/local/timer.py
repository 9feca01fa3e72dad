"""The timer: the stand-in for Cloud Scheduler.

It stores in the home when each call last ran. A call that was missed while the platform was
stopped is made once, at the next start.
"""

import argparse
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from cronsim import CronSim

from infra.functions import Job, jobs
from infra.local.home import Home, write_private
from infra.local.keys import KEY_ID
from infra.local.layout import PUSH_ACCOUNT, PUSH_AUDIENCE, Layout

_LONGEST_WAIT_SECONDS = 30.0
_CALL_SECONDS = 1800


class Runs:
    """When each timed call last ran, stored in a file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._moments: dict[str, float] = json.loads(file.read_text()) if file.exists() else {}

    def last(self, name: str, default: datetime) -> datetime:
        """When a call last ran; a new call counts as run at `default`."""
        moment = self._moments.setdefault(name, default.timestamp())
        return datetime.fromtimestamp(moment, UTC)

    def record(self, name: str, moment: datetime) -> None:
        """Store that a call ran."""
        self._moments[name] = moment.timestamp()
        self.write()

    def write(self) -> None:
        """Write the file."""
        write_private(self._file, json.dumps(self._moments))


def next_run(call: Job, after: datetime) -> datetime:
    """When a call is due next after `after`."""
    moment: datetime = next(CronSim(call.cron, after.astimezone(ZoneInfo(call.time_zone))))
    return moment.astimezone(UTC)


def run_due(
    calls: Sequence[Job],
    runs: Runs,
    now: datetime,
    run: Callable[[Job], str],
) -> None:
    """Make every call that is due; one that was missed several times is made once."""
    for call in calls:
        if next_run(call, runs.last(call.name, now)) > now:
            continue
        # Before the call: one that kills the timer must not be repeated forever.
        runs.record(call.name, now)
        print(f"{now.isoformat(timespec='seconds')} {call.name}: {run(call)}", flush=True)


def seconds_to_next(calls: Sequence[Job], runs: Runs, now: datetime) -> float:
    """Seconds until the next call is due, at most 30."""
    waits = [(next_run(call, runs.last(call.name, now)) - now).total_seconds() for call in calls]
    return max(0.0, min([_LONGEST_WAIT_SECONDS, *waits]))


def _runner(home: Home, addresses: Mapping[str, str]) -> Callable[[Job], str]:
    def run(call: Job) -> str:
        try:
            if call.topic:
                return f"published {_publish(call.topic, call.name)}"
            return _request(call, addresses[call.name], _identity(home))
        except Exception as error:  # noqa: BLE001 - the timer must survive every call
            return f"failed, {type(error).__name__}: {error}"

    return run


def _publish(topic: str, name: str) -> str:
    from google.cloud.pubsub_v1 import PublisherClient

    path = f"projects/{os.environ['GOOGLE_CLOUD_PROJECT']}/topics/{topic}"
    with PublisherClient() as publisher:
        return str(publisher.publish(path, b"{}", schedule=name).result(timeout=60))


def _identity(home: Home) -> str:
    """An identity token of the platform's own account, as Cloud Scheduler's calls have."""
    from infra.local.pubsub.push import load_signer

    return load_signer(home.signing_key, KEY_ID).token(PUSH_ACCOUNT, PUSH_AUDIENCE)


def _request(call: Job, address: str, token: str) -> str:
    request = urllib.request.Request(  # noqa: S310 - an address of the layout
        f"{address}{call.path}",
        method=call.method,
        data=json.dumps(call.body).encode() if call.body is not None else None,
        headers={
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "User-Agent": "Google-Cloud-Scheduler",
            "X-CloudScheduler": "true",
            "X-CloudScheduler-JobName": call.name,
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=_CALL_SECONDS) as answer:  # noqa: S310  # nosec B310 # an address of the layout
            return f"answered {answer.status}"
    except urllib.error.HTTPError as answer:
        return f"answered {answer.code}"


def addresses(layout: Layout) -> dict[str, str]:
    """The URL of each job's function, by the job's name."""
    return {
        name: layout.url(function.name)
        for function in layout.functions
        for name in jobs([function])
    }


def main() -> None:
    """Run until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    home = Home.at(parser.parse_args().home)
    layout = Layout.read(home)
    calls = tuple(jobs(layout.functions).values())
    runs = Runs(home.path / "timer.json")
    run = _runner(home, addresses(layout))
    (home.run / "timer.ready").touch()
    while True:
        now = datetime.now(UTC)
        run_due(calls, runs, now, run)
        runs.write()
        time.sleep(seconds_to_next(calls, runs, datetime.now(UTC)))


if __name__ == "__main__":
    main()
