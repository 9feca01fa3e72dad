"""The other stand-ins as parts: BigQuery, Pub/Sub, Eventarc, the gateway and the timer."""

import os
import sys
from dataclasses import replace
from pathlib import Path

from infra.local import environment, fence, keys, provision
from infra.local.environment import ROOT
from infra.local.errors import PlatformError
from infra.local.home import Home
from infra.local.layout import PROJECT, Layout, beam_python
from infra.local.parts import Part, Probe, Stage, accepts_connections, answers_http

# On one machine, syncing the warehouse must not slow down requests.
LOW_PRIORITY = 10
_SERVE = Path(__file__).parent / "bigquery" / "serve.py"


def bigquery(home: Home, layout: Layout) -> Part:
    """bqemulator, in its own Python environment.

    Raises:
        PlatformError: that environment does not exist.
    """
    port = layout.ports["bigquery"]
    # Not in /tmp, where it may not write.
    temporary = home.bigquery / "tmp"
    return Part(
        name="bigquery",
        command=(
            *fence.command(home.bigquery),
            *(str(bigquery_python()), str(_SERVE), "--project", PROJECT),
            *("--port", str(port), "--grpc-port", str(layout.ports["bigquery-rpc"])),
            *("--data", str(home.bigquery / "data"), "--objects", str(home.storage)),
        ),
        stage=Stage.WAREHOUSE,
        environment={**_ours(), "HOME": str(home.bigquery), "TMPDIR": str(temporary)},
        address=layout.url("bigquery"),
        probe=answers_http(port, "/readyz", 200),
        prepare=lambda: temporary.mkdir(exist_ok=True),
        stop_seconds=5.0,
        nice=LOW_PRIORITY,
    )


def pubsub(home: Home, layout: Layout) -> Part:
    """The Pub/Sub stand-in."""
    port = layout.ports["pubsub"]
    return Part(
        name="pubsub",
        command=(
            *(sys.executable, "-m", "infra.local.pubsub", "--host", "127.0.0.1"),
            *("--port", str(port), "--data", str(home.pubsub)),
            *("--secret-file", str(home.pubsub_secret)),
            *("--signing-key", str(home.signing_key), "--key-id", keys.KEY_ID),
            *(word for url in provision.push_endpoints(layout) for word in ("--sign-for", url)),
        ),
        stage=Stage.EVENTS,
        environment=_ours(),
        address=layout.address("pubsub"),
        probe=accepts_connections(port),
        prepare=lambda: _create_secret(home),
        folder=ROOT,
    )


def eventarc(home: Home, layout: Layout) -> Part:
    """The Eventarc stand-in: storage notifications in, CloudEvents out."""
    port = layout.ports["eventarc"]
    return _module(
        "eventarc", home, Stage.EVENTS, layout.url("eventarc"), answers_http(port, "/", 200)
    )


def dataflow(home: Home, layout: Layout) -> tuple[Part, ...]:
    """The Dataflow stand-in; no part if Beam is not installed."""
    python = beam_python()
    if python is None:
        return ()
    port = layout.ports["dataflow"]
    part = Part(
        name="dataflow",
        command=(
            *(sys.executable, "-m", "infra.local.dataflow"),
            *("--home", str(home.path), "--python", str(python)),
        ),
        stage=Stage.FUNCTION,
        environment=environment.of_functions(home, layout),
        address=layout.address("dataflow"),
        probe=accepts_connections(port),
        folder=ROOT,
    )
    return (part,)


def gateway(home: Home, layout: Layout) -> Part:
    """The gateway, one address for all functions."""
    port = layout.ports["gateway"]
    return _module(
        "gateway",
        home,
        Stage.ENTRANCE,
        layout.url("gateway"),
        answers_http(port, "/push-certs", 200),
    )


def timer(home: Home, layout: Layout, needs: tuple[str, ...]) -> Part:
    """The stand-in for Cloud Scheduler."""
    stamp = home.run / "timer.ready"

    async def probe() -> bool:
        return stamp.exists()

    return replace(
        _module("timer", home, Stage.ENTRANCE, "", probe),
        needs=needs,
        environment=environment.of_functions(home, layout),
        prepare=lambda: stamp.unlink(missing_ok=True),
    )


def _module(name: str, home: Home, stage: Stage, address: str, probe: Probe) -> Part:
    return Part(
        name=name,
        command=(sys.executable, "-m", f"infra.local.{name}", "--home", str(home.path)),
        stage=stage,
        environment=_ours(),
        address=address,
        probe=probe,
        folder=ROOT,
    )


def _create_secret(home: Home) -> None:
    home.secret(home.pubsub_secret)


def _ours() -> dict[str, str]:
    return {**environment.inherited(), "PYTHONPATH": str(ROOT)}


def bigquery_python() -> Path:
    """The Python of the environment with the BigQuery stand-in.

    Raises:
        PlatformError: that environment does not exist.
    """
    given = os.environ.get("TABLEGATE_BIGQUERY_PYTHON", "")
    python = Path(given) if given else ROOT / ".venv-bigquery" / "bin" / "python"
    if not python.exists():
        raise PlatformError(
            f"The BigQuery stand-in's environment does not exist ({python}); "
            "`make .venv-bigquery` creates it."
        )
    return python
