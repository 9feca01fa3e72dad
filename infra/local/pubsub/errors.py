"""The errors of this server.

RequestError            a request ends with a gRPC status other than OK
WriteError              a change could not be written to the database
StartError              the server cannot start; the message says why, in one line
├── DatabaseFileError     the database file cannot be used
└── SigningKeyError       the key for push tokens cannot be used
"""

import grpc


class RequestError(Exception):
    """A request that ends with a status other than OK."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class WriteError(Exception):
    """A change could not be written to the database; none of it was."""


class StartError(Exception):
    """The server cannot start; the message says why, in one line."""


class DatabaseFileError(StartError):
    """The database file cannot be used."""


class SigningKeyError(StartError):
    """The key for push tokens cannot be used."""


def invalid(message: str) -> RequestError:
    """The request is wrong, whatever the state of the server."""
    return RequestError(grpc.StatusCode.INVALID_ARGUMENT, message)


def not_found(kind: str, name: str) -> RequestError:
    """The topic or subscription does not exist."""
    return RequestError(grpc.StatusCode.NOT_FOUND, f"{kind} not found: (resource={name})")


def already_exists(kind: str, name: str) -> RequestError:
    """The name is taken."""
    message = f"{kind} already exists: (resource={name})"
    return RequestError(grpc.StatusCode.ALREADY_EXISTS, message)


def out_of_range(message: str) -> RequestError:
    """A number is outside its limits, and Google answers OUT_OF_RANGE for this one."""
    return RequestError(grpc.StatusCode.OUT_OF_RANGE, message)


def failed_precondition(message: str) -> RequestError:
    """The request is valid, but the resource is in the wrong state for it."""
    return RequestError(grpc.StatusCode.FAILED_PRECONDITION, message)


def unsupported(field: str, remedy: str) -> RequestError:
    """Google supports this field and this server does not; it must never be ignored silently."""
    message = f"{field} is not supported by this server: {remedy}"
    return RequestError(grpc.StatusCode.UNIMPLEMENTED, message)


def unavailable(message: str) -> RequestError:
    """The request is valid and may be sent again."""
    return RequestError(grpc.StatusCode.UNAVAILABLE, message)
