"""The certificates that prove pushes: fetched seldom, from trusted addresses only."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from shared.http import push
from shared.http.problems import Problem


def test_certificates_are_fetched_once_and_again_for_a_new_key(signer_and_url):
    signer, url = signer_and_url
    fetched = push.Certificates()
    before = signer.fetched

    for _ in range(3):
        assert "first" in fetched.having("first", url)
    once = signer.fetched - before
    fetched.having("unheard-of", url)

    assert once == 1
    assert signer.fetched - before == 1  # so soon after, an unknown key is not asked for again


class Clock:
    """A clock that goes on when told."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        """Seconds."""
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(push, "time", made)
    return made


@pytest.mark.parametrize(
    ("key", "seconds", "again"),
    [("first", 3599, 0), ("first", 3601, 1), ("unheard-of", 59, 0), ("unheard-of", 61, 1)],
)
def test_certificates_are_fetched_again_after_an_hour_or_a_minute_for_a_new_key(
    signer_and_url, clock, key, seconds, again
):
    signer, url = signer_and_url
    certificates = push.Certificates()
    certificates.having("first", url)
    before = signer.fetched

    clock.now += seconds
    found = certificates.having(key, url)

    assert signer.fetched - before == again
    assert set(found) == {"first"}
    # An hour or a minute counts from the last time.
    certificates.having(key, url)
    assert signer.fetched - before == again


def test_certificates_of_another_address_are_fetched_at_once(signer_and_url, clock):
    signer, url = signer_and_url
    certificates = push.Certificates()
    certificates.having("first", url)
    before = signer.fetched

    certificates.having("first", f"{url}?other")

    assert signer.fetched - before == 1


def test_old_certificates_serve_while_new_ones_are_out_of_reach(
    signer_and_url, clock, monkeypatch, capfd
):
    _, url = signer_and_url
    certificates = push.Certificates()
    certificates.having("first", url)

    def unreachable(_):
        raise OSError("down")

    monkeypatch.setattr(push, "fetch_certificates", unreachable)
    clock.now += 3601
    assert set(certificates.having("first", url)) == {"first"}
    assert "Could not fetch" in capfd.readouterr().err
    # It is not tried again with each push.
    certificates.having("first", url)
    assert "Could not fetch" not in capfd.readouterr().err


def test_certificates_of_one_address_do_not_serve_for_another(signer_and_url, clock):
    _, url = signer_and_url
    certificates = push.Certificates()
    certificates.having("first", url)

    with pytest.raises(Problem) as caught:
        certificates.having("first", "http://127.0.0.1:9/certs")

    assert (caught.value.status, caught.value.slug) == (503, "try-again")
    assert int(caught.value.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/certs",
        "http://127.0.0.1.example.com/certs",
        "http://localhost@example.com/certs",
        "ftp://127.0.0.1/certs",
        "file:///etc/passwd",
        "127.0.0.1/certs",
        "",
    ],
)
def test_certificates_come_over_https_or_from_this_machine(url):
    with pytest.raises(ValueError, match="https"):
        push.fetch_certificates(url)


@pytest.mark.parametrize("served", [b"[]", b"{}", b"null", b'"text"', b"nope"])
def test_what_holds_no_certificates_is_refused(serving, served):
    with pytest.raises(ValueError, match=r".+"):
        push.fetch_certificates(serving(served))


def test_an_answer_larger_than_certificates_ever_are_is_not_read_to_its_end(serving):
    def certificates(size):
        return json.dumps({"first": "x" * size}).encode()

    assert set(push.fetch_certificates(serving(certificates(100_000)))) == {"first"}
    with pytest.raises(ValueError, match=r".+"):
        push.fetch_certificates(serving(certificates(1_500_000)))


@pytest.fixture
def serving():
    """Serves a body once at an address of this machine."""
    servers = []

    def serve(content):
        class Body(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        server = HTTPServer(("127.0.0.1", 0), Body)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()
