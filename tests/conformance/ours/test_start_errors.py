"""Errors that prevent our server from starting are reported in one line."""

from pathlib import Path

import pytest
from google.api_core import exceptions

from tests.conformance import servers
from tests.conformance.projects import new_project


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A running server."""
    with servers.running(tmp_path_factory.mktemp("pubsub") / "pubsub.db") as server:
        yield server


@pytest.fixture
def project(server):
    clients = servers.connect(server.address)
    yield new_project(clients)
    clients.close()


def start_error(folder: Path, *arguments: str) -> tuple[int, list[str]]:
    process = servers.launch("--secret-file", servers.write_secret(folder), *arguments)
    _, errors = process.communicate(timeout=15)
    return process.returncode, errors.splitlines()


def test_a_database_in_use_is_reported_in_one_line(server, tmp_path):
    code, lines = start_error(tmp_path, "--data", str(server.data))

    assert code == 1
    assert lines == [f"pubsub: {server.data} is in use by another process (pid {server.pid})"]


def test_a_port_in_use_is_reported_in_one_line(server, tmp_path):
    code, lines = start_error(
        tmp_path, "--data", str(tmp_path / "other.db"), "--port", str(server.port)
    )

    assert code == 1
    assert lines[-1].startswith(f"pubsub: cannot listen on {server.address}")


def test_a_file_that_is_not_a_database_is_reported_in_one_line(tmp_path):
    (tmp_path / "pubsub.db").write_text("id,department\n" * 100)

    code, lines = start_error(tmp_path, "--data", str(tmp_path / "pubsub.db"))

    assert code == 1
    assert lines == [f"pubsub: cannot use {tmp_path / 'pubsub.db'}: file is not a database"]


def test_an_invalid_signing_key_is_reported_in_one_line(tmp_path):
    (tmp_path / "key.pem").write_text("no key")
    data = str(tmp_path / "pubsub.db")

    code, lines = start_error(tmp_path, "--data", data, "--signing-key", str(tmp_path / "key.pem"))

    assert code == 1
    assert lines == ["pubsub: the signing key is not a PEM private key"]


def test_a_missing_secret_is_reported_in_one_line(tmp_path):
    process = servers.launch("--data", str(tmp_path / "x.db"), "--secret-file", "/nowhere")
    _, errors = process.communicate(timeout=15)

    assert process.returncode == 1
    assert errors == "pubsub: cannot read the secret /nowhere: No such file or directory\n"


def test_a_push_with_a_token_is_rejected_without_a_signing_key(project, endpoint):
    topic = project.topic()
    identity = {"service_account_email": "a@b.c"}

    with pytest.raises(exceptions.FailedPrecondition, match="--signing-key"):
        project.subscription(
            topic, push_config={"push_endpoint": endpoint.url, "oidc_token": identity}
        )
