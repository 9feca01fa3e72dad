"""The wire protocol: protobuf classes of google.pubsub.v1, and methods served over gRPC."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import grpc
from google.protobuf import empty_pb2
from google.pubsub_v1 import types

from infra.local.pubsub.errors import RequestError, WriteError, invalid
from infra.local.pubsub.logs import log

# Any protobuf message: the classes behind the proto-plus types are made at run time, untyped.
Pb = Any
Method = Callable[[Any, Any], Awaitable[Any]]

Empty: Pb = empty_pb2.Empty
Topic: Pb = types.Topic.pb()
GetTopicRequest: Pb = types.GetTopicRequest.pb()
UpdateTopicRequest: Pb = types.UpdateTopicRequest.pb()
PublishRequest: Pb = types.PublishRequest.pb()
PublishResponse: Pb = types.PublishResponse.pb()
ListTopicsRequest: Pb = types.ListTopicsRequest.pb()
ListTopicsResponse: Pb = types.ListTopicsResponse.pb()
ListTopicSubscriptionsRequest: Pb = types.ListTopicSubscriptionsRequest.pb()
ListTopicSubscriptionsResponse: Pb = types.ListTopicSubscriptionsResponse.pb()
DeleteTopicRequest: Pb = types.DeleteTopicRequest.pb()
DetachSubscriptionRequest: Pb = types.DetachSubscriptionRequest.pb()
DetachSubscriptionResponse: Pb = types.DetachSubscriptionResponse.pb()
Subscription: Pb = types.Subscription.pb()
GetSubscriptionRequest: Pb = types.GetSubscriptionRequest.pb()
UpdateSubscriptionRequest: Pb = types.UpdateSubscriptionRequest.pb()
ListSubscriptionsRequest: Pb = types.ListSubscriptionsRequest.pb()
ListSubscriptionsResponse: Pb = types.ListSubscriptionsResponse.pb()
DeleteSubscriptionRequest: Pb = types.DeleteSubscriptionRequest.pb()
ModifyPushConfigRequest: Pb = types.ModifyPushConfigRequest.pb()
ModifyAckDeadlineRequest: Pb = types.ModifyAckDeadlineRequest.pb()
AcknowledgeRequest: Pb = types.AcknowledgeRequest.pb()
PullRequest: Pb = types.PullRequest.pb()
PullResponse: Pb = types.PullResponse.pb()
StreamingPullRequest: Pb = types.StreamingPullRequest.pb()
StreamingPullResponse: Pb = types.StreamingPullResponse.pb()
SeekRequest: Pb = types.SeekRequest.pb()
SeekResponse: Pb = types.SeekResponse.pb()
PubsubMessage: Pb = types.PubsubMessage.pb()
ReceivedMessage: Pb = types.ReceivedMessage.pb()

_running: set[asyncio.Future[Any]] = set()
_current_handler: ContextVar["asyncio.Task[Any]"] = ContextVar("current_handler")


def seconds(duration: Pb) -> float:
    """Convert a google.protobuf.Duration to seconds."""
    return float(duration.seconds) + float(duration.nanos) / 1e9


def page(items: list[Pb], request: Pb, name: Callable[[Pb], str]) -> tuple[list[Pb], str]:
    """Cut the page that a list request asks for out of a sorted list.

    Returns:
        The page, and the token of the next one ("" after the last).

    Raises:
        RequestError: INVALID_ARGUMENT if the page size is negative.
    """
    if request.page_size < 0:
        raise invalid("page_size must not be negative")
    rest = [item for item in items if name(item) > request.page_token]
    size = request.page_size or len(rest)
    token = name(rest[size - 1]) if 0 < size < len(rest) else ""
    return rest[:size], token


def unary(method: Method, request: Pb, response: Pb) -> grpc.RpcMethodHandler:
    """Serve a method with one request and one response.

    The method runs to its end even if the caller disconnects.
    """
    return grpc.unary_unary_rpc_method_handler(
        _shielded(_with_status(method)), request.FromString, response.SerializeToString
    )


def cancellable(method: Method, request: Pb, response: Pb) -> grpc.RpcMethodHandler:
    """Serve a method as `unary` does, but cancel it when the caller disconnects.

    Only for methods that wait for something and change nothing.
    """
    return grpc.unary_unary_rpc_method_handler(
        _with_status(method), request.FromString, response.SerializeToString
    )


def streaming(method: Method, request: Pb, response: Pb) -> grpc.RpcMethodHandler:
    """Serve a method with a stream in each direction; it writes to the context."""
    return grpc.stream_stream_rpc_method_handler(
        _with_status(method), request.FromString, response.SerializeToString
    )


def after_response(act: Callable[[], object]) -> None:
    """Call `act` once the current request has been answered or its caller has disconnected.

    Only for methods that are served by `unary`.
    """
    # Not context.add_done_callback: grpc.aio never calls it once the caller has disconnected.
    _current_handler.get().add_done_callback(lambda _: act())


def _shielded(method: Method) -> Method:
    # A change that is cut off after it was written to disk would be missing in memory: its
    # message would be stored, but delivered only after the next start.
    async def shielded(request: Any, context: Any) -> Any:
        if (handler := asyncio.current_task()) is not None:
            _current_handler.set(handler)
        task = asyncio.ensure_future(method(request, context))
        _running.add(task)
        task.add_done_callback(_discard)
        return await asyncio.shield(task)

    return shielded


def _discard(task: asyncio.Future[Any]) -> None:
    _running.discard(task)
    if not task.cancelled():
        # Mark the exception as retrieved, or asyncio logs it when the caller has disconnected.
        task.exception()


def _with_status(method: Method) -> Method:
    """Turn errors into gRPC statuses."""
    name = getattr(method, "__name__", "?")

    async def with_status(request: Any, context: Any) -> Any:
        try:
            return await method(request, context)
        except RequestError as error:
            code, message = error.code, error.message
        except WriteError as error:
            code, message = grpc.StatusCode.UNAVAILABLE, f"{name} was not stored: {error}"
        except (grpc.aio.AbortError, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - callers must get a status, whatever happens
            log("ERROR", "a request failed unexpectedly", method=name, error=type(error).__name__)
            code, message = grpc.StatusCode.INTERNAL, f"{name} failed: {type(error).__name__}"
        return await context.abort(code, message)

    return with_status
