"""Connections to a database that goes away leave nothing open."""

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
    """The garbage collector does not come by."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def goes_away():
    """The URL of a server that goes away after it was asked for encryption, as when killed."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            for _ in range(TIMES):
                channel, _ = server.accept()
                with channel:
                    assert channel.recv(8)
                    channel.sendall(b"N")
                    channel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"postgresql://somebody:word@127.0.0.1:{server.getsockname()[1]}/somewhere"
        thread.join()


def descriptors():
    """How many files and sockets this process has open."""
    return psutil.Process().num_fds()


def test_a_server_that_goes_away_as_it_is_greeted_leaves_nothing_open(goes_away, no_collection):
    engine = create(read({"DATABASE_URL": goes_away}))
    before = descriptors()

    for _ in range(TIMES):
        with pytest.raises(DatabaseUnavailable), transaction(engine):
            pass

    assert descriptors() == before


def test_a_connection_that_was_cut_leaves_nothing_open(database_url, engine, no_collection):
    cut = create(read({"DATABASE_URL": database_url, "DATABASE_POOL_SIZE": "1"}))
    with engine.connect() as other:
        before = descriptors()
        for _ in range(TIMES):
            with pytest.raises(DatabaseUnavailable), transaction(cut) as connection:
                pid = connection.scalar(sa.text("select pg_backend_pid()"))
                other.execute(sa.text("select pg_terminate_backend(:pid, 5000)"), {"pid": pid})
                connection.execute(sa.text("select 1"))
    cut.dispose()

    assert descriptors() == before


def test_a_file_of_a_closed_socket_is_of_no_other_connection():
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        with closing(DatabaseSocket.open(host, port)) as first_socket:
            file = first_socket.makefile("wb")
            file.write(b"for the first")
            first_socket.close()
        with DatabaseSocket.open(host, port) as second:
            with pytest.raises(OSError, match="Bad file descriptor"):
                file.flush()
            second.sendall(b"for the second")
        first, again = server.accept()[0], server.accept()[0]
        with first, again:
            assert (first.recv(20), again.recv(20)) == (b"", b"for the second")
