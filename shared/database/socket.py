"""The TCP socket under a connection to the database."""

import socket


class DatabaseSocket(socket.socket):
    """A socket whose connection ends as soon as it is closed.

    pg8000 reads and writes a file that is made from its socket, and an ordinary socket stays open
    for as long as such a file exists. If the server goes away, that file is part of a reference
    cycle, which only the garbage collector frees: while a database is down, every attempt to
    connect would leave a descriptor open.
    """

    @classmethod
    def open(cls, host: str, port: int, timeout_seconds: float) -> "DatabaseSocket":
        """Connect to a server; each later read or write has the time limit too.

        Raises:
            OSError: the server cannot be reached in time.
        """
        opened = cls(fileno=socket.create_connection((host, port), timeout_seconds).detach())
        opened.settimeout(timeout_seconds)
        set_options(opened)
        return opened

    def close(self) -> None:
        """Close the connection at once; files made from it raise OSError from then on."""
        descriptor = self.detach()
        if descriptor >= 0:
            socket.close(descriptor)


def set_options(connected: socket.socket) -> None:
    """Set the options of a socket to a database."""
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # COPY sends its data and its end in two writes. Without this option the second waits 40 ms.
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
