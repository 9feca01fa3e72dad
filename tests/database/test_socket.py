"""Connections that the database drops leave no socket open."""

import gc
import socket
import struct
import threading
from contextlib import closing

import psutil
import pytest
import sqlalchemy as sa

from shared.database.engine import create, transaction
from shared.database.socket import DatabaseSocket
from shared.errors import DatabaseUnavailable
from shared.settings import read

TIMES = 5
RESET = struct.pack("ii", 1, 0)


@pytest.fixture
def no_collection():
    """The garbage collector is off, so that it closes nothing for us."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def dropping_server():
    """The URL of a server that drops connections after the SSL request, as when killed."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            for _ in range(TIMES):
                connection, _ = server.accept()
                with connection:
                    assert connection.recv(8)
                    connection.sendall(b"N")
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"postgresql://somebody:word@127.0.0.1:{server.getsockname()[1]}/somewhere"
        thread.join()


def descriptors():
    """The number of files and sockets that this process has open."""
    return psutil.Process().num_fds()


def test_a_connection_dropped_during_the_handshake_leaves_nothing_open(
    dropping_server, no_collection
):
    engine = create(read({"DATABASE_URL": dropping_server}))
    before = descriptors()

    for _ in range(TIMES):
        with pytest.raises(DatabaseUnavailable), transaction(engine):
            pass

    assert descriptors() == before


def test_a_terminated_connection_leaves_nothing_open(database_url, engine, no_collection):
    pooled = create(read({"DATABASE_URL": database_url, "DATABASE_POOL_SIZE": "1"}))
    with engine.connect() as other:
        before = descriptors()
        for _ in range(TIMES):
            with pytest.raises(DatabaseUnavailable), transaction(pooled) as connection:
                pid = connection.scalar(sa.text("select pg_backend_pid()"))
                other.execute(sa.text("select pg_terminate_backend(:pid, 5000)"), {"pid": pid})
                connection.execute(sa.text("select 1"))
    pooled.dispose()

    assert descriptors() == before


def test_a_file_of_a_closed_socket_does_not_write_to_another_connection():
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        with closing(DatabaseSocket.open(host, port, 10)) as first_socket:
            file = first_socket.makefile("wb")
            file.write(b"for the first")
            first_socket.close()
        with DatabaseSocket.open(host, port, 10) as second:
            with pytest.raises(OSError, match="Bad file descriptor"):
                file.flush()
            second.sendall(b"for the second")
        first, again = server.accept()[0], server.accept()[0]
        with first, again:
            assert (first.recv(20), again.recv(20)) == (b"", b"for the second")
