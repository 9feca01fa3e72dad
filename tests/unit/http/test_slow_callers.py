"""A body that stops arriving ends at its time, and one that arrives is read to its end."""

import socket
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from shared.http import bodies, slow_callers
from shared.http.problems import Problem
from tests.support.checkout import ROOT

LENGTH = 8


@pytest.fixture
def caller_and_request():
    """A caller's end of a connection, and the request that gunicorn would make of the other."""
    caller, connection = socket.socketpair()
    with caller, connection, connection.makefile("rb") as stream:
        builder = EnvironBuilder(method="POST", content_type="application/json")
        environ = builder.get_environ()
        environ |= {
            "CONTENT_LENGTH": str(LENGTH),
            "wsgi.input": stream,
            "gunicorn.socket": connection,
        }
        yield caller, Request(environ)


def test_a_body_that_stops_is_408(caller_and_request):
    caller, request = caller_and_request
    bodies.limit(request, 1000, 0.3)
    caller.sendall(b"{")

    with pytest.raises(Problem) as caught:
        bodies.content(request)

    assert (caught.value.status, caught.value.slug) == (408, "body-too-slow")


def test_a_body_whose_sender_hangs_up_is_400(caller_and_request):
    caller, request = caller_and_request
    bodies.limit(request, 1000, 60)
    caller.sendall(b"{")
    caller.close()

    with pytest.raises(Problem) as caught:
        bodies.content(request)

    assert (caught.value.status, caught.value.slug) == (400, "body-cut-off")


def test_the_rest_of_a_refused_body_is_read_for_a_short_time_only(caller_and_request, monkeypatch):
    caller, request = caller_and_request
    monkeypatch.setattr(bodies, "_DISCARD_SECONDS", 0.3)
    caller.sendall(b"{")

    bodies.discard(request)

    assert request.stream.read() == b""


def test_a_connection_stays_usable_after_a_body_that_came_in_time(caller_and_request):
    caller, request = caller_and_request
    bodies.limit(request, 1000, 0.3)
    caller.sendall(b"x" * LENGTH)
    assert bodies.content(request) == b"x" * LENGTH

    # Past the time of the first body.
    with slow_callers.within(request, 60) as watch:
        time.sleep(0.8)
        caller.sendall(b"more")

        assert request.environ["wsgi.input"].read(4) == b"more"
    assert not watch.is_over


@pytest.mark.parametrize(
    ("server", "headers"),
    [({}, {"Content-Length": "9"}), ({"gunicorn.socket": object()}, {})],
    ids=["another server", "no body"],
)
def test_only_bodies_that_gunicorn_receives_are_watched(server, headers):
    environ = EnvironBuilder(headers=headers, environ_overrides=server).get_environ()

    with slow_callers.within(Request(environ), 9) as watch:
        assert watch is None


WATCHING = """
import socket, time
from shared.http.slow_callers import Watch, Watcher
watcher = Watcher()
watcher.add(Watch(socket.socket(), 60))
time.sleep(1)
print(time.process_time() - time.thread_time())
"""


def test_watching_takes_no_time_and_keeps_no_process_from_ending():
    ended = subprocess.run(
        [sys.executable, "-c", WATCHING],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    # CPU seconds of the other threads.
    assert float(ended.stdout) < 0.3


def test_nobody_wakes_up_while_there_is_nothing_to_watch(monkeypatch, caller_and_request):
    woken = threading.Event()
    clock = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: woken.set() or time.sleep(9))
    monkeypatch.setattr(slow_callers, "time", clock)

    watcher = slow_callers.Watcher()

    assert not woken.wait(0.2)
    watcher.add(slow_callers.Watch(caller_and_request[0], 60))
    # After each look it sleeps.
    assert woken.wait(30)
    assert all(one.daemon for one in threading.enumerate() if one.name == "slow bodies")
