"""From Python methods to gRPC services: statuses for refusals, one place for surprises."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import grpc

from infra.local.pubsub.journal import JournalFault
from infra.local.pubsub.logs import log
from infra.local.pubsub.refusals import Refused
from infra.local.pubsub.wire import Pb

Method = Callable[[Any, Any], Awaitable[Any]]

_under_way: set[asyncio.Future[Any]] = set()
_handling: ContextVar["asyncio.Task[Any]"] = ContextVar("handling")


def unary(method: Method, request: Pb, response: Pb) -> grpc.RpcMethodHandler:
    """A handler for one request and one response; what it has begun it ends, whoever leaves."""
    return grpc.unary_unary_rpc_method_handler(
        _ended(_guarded(method)), request.FromString, response.SerializeToString
    )


def waiting(method: Method, request: Pb, response: Pb) -> grpc.RpcMethodHandler:
    """As `unary`, for one that waits for something and changes nothing: it ends with its caller."""
    return grpc.unary_unary_rpc_method_handler(
        _guarded(method), request.FromString, response.SerializeToString
    )


def streaming(method: Method, request: Pb, response: Pb) -> grpc.RpcMethodHandler:
    """A handler for a stream each way; `method` writes to the context."""
    return grpc.stream_stream_rpc_method_handler(
        _guarded(method), request.FromString, response.SerializeToString
    )


def _ended(method: Method) -> Method:
    # Cut off between the disk and the memory, a change would be in the one and not in the other:
    # a message kept, and not delivered before the next start.
    async def ended(request: Any, context: Any) -> Any:
        if (handling := asyncio.current_task()) is not None:
            _handling.set(handling)
        task = asyncio.ensure_future(method(request, context))
        _under_way.add(task)
        task.add_done_callback(_forget)
        return await asyncio.shield(task)

    return ended


def afterwards(act: Callable[[], object]) -> None:
    """Call `act` when the request under way has its answer, or its caller has left.

    Only for methods that are served by `unary`.
    """
    # Not the callbacks of the context: those that come when the caller has left are never called.
    _handling.get().add_done_callback(lambda _: act())


def _forget(task: asyncio.Future[Any]) -> None:
    _under_way.discard(task)
    if not task.cancelled():
        # Asked for, so that nobody complains where the caller is gone.
        task.exception()


def _guarded(method: Method) -> Method:
    name = getattr(method, "__name__", "?")

    async def guarded(request: Any, context: Any) -> Any:
        try:
            return await method(request, context)
        except Refused as refused:
            code, message = refused.code, refused.message
        except JournalFault as fault:
            code, message = grpc.StatusCode.UNAVAILABLE, f"{name} was not stored: {fault}"
        except (grpc.aio.AbortError, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - a caller gets a status, whatever happens
            log("ERROR", "a request failed unexpectedly", method=name, error=type(error).__name__)
            code, message = grpc.StatusCode.INTERNAL, f"{name} failed: {type(error).__name__}"
        return await context.abort(code, message)

    return guarded


def page(items: list[Pb], request: Pb, name: Callable[[Pb], str]) -> tuple[list[Pb], str]:
    """The part of a sorted list that a list request asks for, and the next page's token.

    Raises:
        Refused: INVALID_ARGUMENT for a negative size.
    """
    if request.page_size < 0:
        raise Refused(grpc.StatusCode.INVALID_ARGUMENT, "page_size must not be negative")
    rest = [item for item in items if name(item) > request.page_token]
    size = request.page_size or len(rest)
    token = name(rest[size - 1]) if 0 < size < len(rest) else ""
    return rest[:size], token
