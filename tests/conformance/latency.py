"""How long a publish and a push take: python tests/conformance/latency.py [host:port].

Without an address it starts its own server on a temporary file. Times are measured
in the publisher, and in an endpoint that runs in its own process.
"""

import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from multiprocessing.connection import Connection
from pathlib import Path

from google.cloud import pubsub_v1

SIZE_BYTES = 100_000
ROUNDS = 300


class Endpoint:
    """Answers every push with 204 and reports when its last byte arrived."""

    def __init__(self, arrivals: Connection) -> None:
        self._arrivals = arrivals
        self._listener = socket.create_server(("127.0.0.1", 0))
        arrivals.send(f"http://127.0.0.1:{self._listener.getsockname()[1]}/")

    def run(self) -> None:
        """Answer one connection after the other."""
        while True:
            connection, _ = self._listener.accept()
            with connection:
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        received = bytearray()
        while chunk := connection.recv(1 << 20):
            received += chunk
            head, found, body = received.partition(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
            if found and len(body) == int(length):
                at, received = time.perf_counter(), bytearray()
                connection.sendall(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")
                self._arrivals.send(at)


def start_endpoint() -> tuple[str, Connection]:
    """Start an endpoint in its own process; returns its URL and a pipe with the arrival times."""
    ours, theirs = multiprocessing.Pipe()
    spawn = multiprocessing.get_context("spawn")
    spawn.Process(target=_run_endpoint, args=(theirs,), daemon=True).start()
    return ours.recv(), ours


def _run_endpoint(arrivals: Connection) -> None:
    Endpoint(arrivals).run()


def measure() -> dict[str, list[float]]:
    """Publish one message at a time; milliseconds to the answer and to the push's arrival."""
    publisher = pubsub_v1.PublisherClient(pubsub_v1.types.BatchSettings(max_latency=0))
    subscriber = pubsub_v1.SubscriberClient()
    (url, arrivals), project = start_endpoint(), f"projects/latency-{uuid.uuid4().hex[:8]}"
    topic, subscription = f"{project}/topics/measured", f"{project}/subscriptions/measured"
    publisher.create_topic(name=topic)
    push = {"push_endpoint": url}
    subscriber.create_subscription(
        request={"name": subscription, "topic": topic, "push_config": push}
    )
    data, times = os.urandom(SIZE_BYTES), {"publish": [], "publish to push": []}
    for _ in range(ROUNDS):
        start = time.perf_counter()
        publisher.publish(topic, data).result()
        answered = time.perf_counter()
        arrived = arrivals.recv()
        times["publish"].append((answered - start) * 1000)
        times["publish to push"].append((arrived - start) * 1000)
        time.sleep(0.002)
    return times


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        address, server = "".join(sys.argv[1:2]), None
        if not address:
            command = [sys.executable, "-m", "infra.local.pubsub", "--data", f"{folder}/pubsub.db"]
            root = Path(__file__).parents[2]
            server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)
            address = server.stdout.readline().split()[-1]
        os.environ["PUBSUB_EMULATOR_HOST"] = address
        try:
            for name, values in measure().items():
                p50, p95 = statistics.median(values), sorted(values)[int(ROUNDS * 0.95)]
                print(f"{name:16} p50 {p50:.2f} ms, p95 {p95:.2f} ms, {SIZE_BYTES} bytes")
        finally:
            if server is not None:
                server.terminate()
                server.wait()


if __name__ == "__main__":
    main()
