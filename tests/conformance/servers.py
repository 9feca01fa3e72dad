"""Starts the Pub/Sub servers that the suite tests, ours and Google's."""

import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from google.api_core import exceptions
from google.cloud import pubsub_v1

from tests.support.clients import of_pubsub

ROOT = Path(__file__).parents[2]
SECRET = "the secret of our servers"
EMULATOR = Path("platform/pubsub-emulator/bin/cloud-pubsub-emulator")


@dataclass
class Clients:
    """Google's own clients, connected to one server."""

    address: str
    publisher: pubsub_v1.PublisherClient
    subscriber: pubsub_v1.SubscriberClient

    def close(self) -> None:
        self.publisher.transport.close()
        self.subscriber.close()


def connect(address: str, secret: str = SECRET) -> Clients:
    batching = pubsub_v1.types.BatchSettings(max_latency=0)
    return Clients(address, *of_pubsub(address, secret, batch_settings=batching))


@dataclass
class OurServer:
    """A process of our server on a data file; after a kill it restarts on the same port."""

    data: Path
    flags: tuple[str, ...] = ()
    port: int = 0
    log_lines: list[str] = field(default_factory=list)
    _process: subprocess.Popen[str] | None = None
    _reader: threading.Thread | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        secret = write_secret(self.data.parent)
        self._process = launch(
            *("--data", str(self.data), "--port", str(self.port), "--secret-file", secret),
            *self.flags,
        )
        self.port = int(self._process.stdout.readline().rpartition(":")[2])
        self._reader = threading.Thread(target=self._read_log)
        self._reader.start()

    def _read_log(self) -> None:
        self.log_lines.extend(self._process.stderr)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self._process.send_signal(number)
        code = self._process.wait(15)
        self._reader.join()
        self._process.stdout.close()
        self._process.stderr.close()
        return code

    def kill(self) -> None:
        self.stop(signal.SIGKILL)


def write_secret(folder: Path) -> str:
    """Write the secret to a file; returns its path."""
    file = folder / "secret"
    file.write_text(SECRET)
    return str(file)


def launch(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "infra.local.pubsub", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def running(data: Path, *flags: str) -> Iterator[OurServer]:
    server = OurServer(data, flags)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def google_emulator() -> Path | None:
    """Google's emulator, if gcloud is installed with it."""
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        return None
    emulator = Path(gcloud).resolve().parents[1] / EMULATOR
    return emulator if emulator.exists() else None


@contextmanager
def running_google(emulator: Path) -> Iterator[str]:
    address = f"127.0.0.1:{free_port()}"
    command = [str(emulator), "--host=127.0.0.1", f"--port={address.rpartition(':')[2]}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await_emulator(address)
        yield address
    finally:
        process.terminate()
        process.wait(15)


def _await_emulator(address: str) -> None:
    clients = connect(address)
    deadline = time.monotonic() + 30
    while True:
        try:
            clients.publisher.get_topic(topic="projects/p/topics/none", retry=None, timeout=1)
        except exceptions.NotFound:
            return clients.close()
        except exceptions.GoogleAPICallError:
            assert time.monotonic() < deadline, "Google's emulator did not start"
            time.sleep(0.2)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
