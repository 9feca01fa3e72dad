"""What a caller is told when a request cannot be done: a gRPC status and a sentence."""

import grpc


class Refused(Exception):
    """A request that ends with a status other than OK."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def invalid(message: str) -> Refused:
    """The request itself is wrong, whatever the state of the server."""
    return Refused(grpc.StatusCode.INVALID_ARGUMENT, message)


def missing(kind: str, name: str) -> Refused:
    """The topic or subscription named does not exist."""
    return Refused(grpc.StatusCode.NOT_FOUND, f"{kind} not found: (resource={name})")


def exists(kind: str, name: str) -> Refused:
    """The name is taken."""
    return Refused(grpc.StatusCode.ALREADY_EXISTS, f"{kind} already exists: (resource={name})")


def out_of_range(message: str) -> Refused:
    """A number outside what is allowed, where Google answers OUT_OF_RANGE."""
    return Refused(grpc.StatusCode.OUT_OF_RANGE, message)


def precondition(message: str) -> Refused:
    """The request is right, but not for this resource as it is."""
    return Refused(grpc.StatusCode.FAILED_PRECONDITION, message)


def unsupported(field: str, remedy: str) -> Refused:
    """A field Google honours and this server does not: refused, never ignored."""
    return Refused(
        grpc.StatusCode.UNIMPLEMENTED, f"{field} is not supported by this server: {remedy}"
    )


def unavailable(message: str) -> Refused:
    """Nothing is wrong with the request; it may be sent again."""
    return Refused(grpc.StatusCode.UNAVAILABLE, message)
