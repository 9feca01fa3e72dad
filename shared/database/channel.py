"""The TCP connection under a connection to the database."""

import socket


class Channel(socket.socket):
    """A TCP connection that is over as soon as it is closed.

    pg8000 reads and writes a file made of its socket, and an ordinary socket outlives its close for
    as long as there is one. Where the server went away that file is part of a cycle, which only the
    garbage collector finds: while a database is down, every attempt would leave a descriptor.
    """

    @classmethod
    def to(cls, host: str, port: int) -> "Channel":
        """Connect to a server.

        Raises:
            OSError: nobody takes the connection.
        """
        channel = cls(fileno=socket.create_connection((host, port)).detach())
        tune(channel)
        return channel

    def close(self) -> None:
        """Close it at once, whoever still holds a file of it; they get an OSError."""
        descriptor = self.detach()
        if descriptor >= 0:
            socket.close(descriptor)


def tune(channel: socket.socket) -> None:
    """Set what every connection to a database should have."""
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # COPY sends data and end in two writes: without this the second waits 40 ms.
    channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
