"""google.pubsub.v1.Publisher: topics, and publishing to them.

The platform calls CreateTopic and Publish. The other methods are for clients that people connect
to it; of ours, only the conformance tests call them.
"""

from typing import Any

import grpc

from infra.local.pubsub import resources, wire
from infra.local.pubsub.broker import Broker
from infra.local.pubsub.errors import invalid
from infra.local.pubsub.wire import Pb

SERVICE = "google.pubsub.v1.Publisher"
# Google's limits on a publish request.
MAX_MESSAGES = 1000
MAX_REQUEST_BYTES = 10 * 1024 * 1024
MAX_ATTRIBUTES = 100
MAX_KEY_BYTES = 256
MAX_VALUE_BYTES = 1024
MAX_ORDERING_KEY_BYTES = 1024


class Publisher:
    """The methods of the service, by their gRPC names in snake case."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def publish(self, request: Pb, _: Any) -> Pb:
        """Store messages, answer when they are on disk, and then start their delivery."""
        topic = self._broker.catalog.topic(request.topic)
        check_publish(request)
        # A push costs this process and its endpoint a millisecond or more: started before the
        # response, it would delay the publisher by that much.
        numbers = await self._broker.publish(topic, request.messages, wire.after_response)
        return wire.PublishResponse(message_ids=numbers)

    async def create_topic(self, request: Pb, _: Any) -> Pb:
        """Create a topic."""
        return await self._broker.catalog.create_topic(request)

    async def update_topic(self, request: Pb, _: Any) -> Pb:
        """Change a topic."""
        return await self._broker.catalog.update_topic(request)

    async def get_topic(self, request: Pb, _: Any) -> Pb:
        """Return a topic."""
        return self._broker.catalog.topic(request.topic)

    async def list_topics(self, request: Pb, _: Any) -> Pb:
        """List a project's topics."""
        prefix = resources.check_project(request.project) + "/"
        topics = [
            t for name, t in sorted(self._broker.catalog.topics.items()) if name.startswith(prefix)
        ]
        part, token = wire.page(topics, request, lambda topic: str(topic.name))
        return wire.ListTopicsResponse(topics=part, next_page_token=token)

    async def list_topic_subscriptions(self, request: Pb, _: Any) -> Pb:
        """List the subscriptions attached to a topic."""
        self._broker.catalog.topic(request.topic)
        attached = sorted(s.name for s in self._broker.catalog.subscriptions_of(request.topic))
        part, token = wire.page(attached, request, str)
        return wire.ListTopicSubscriptionsResponse(subscriptions=part, next_page_token=token)

    async def delete_topic(self, request: Pb, _: Any) -> Pb:
        """Delete a topic."""
        await self._broker.catalog.delete_topic(request.topic)
        return wire.Empty()

    async def detach_subscription(self, request: Pb, _: Any) -> Pb:
        """Detach a subscription from its topic."""
        await self._broker.catalog.detach(request.subscription)
        return wire.DetachSubscriptionResponse()

    def handler(self) -> grpc.GenericRpcHandler:
        """The service, as gRPC serves it."""
        unary, w = wire.unary, wire
        methods = {
            "Publish": unary(self.publish, w.PublishRequest, w.PublishResponse),
            "CreateTopic": unary(self.create_topic, w.Topic, w.Topic),
            "UpdateTopic": unary(self.update_topic, w.UpdateTopicRequest, w.Topic),
            "GetTopic": unary(self.get_topic, w.GetTopicRequest, w.Topic),
            "ListTopics": unary(self.list_topics, w.ListTopicsRequest, w.ListTopicsResponse),
            "ListTopicSubscriptions": unary(
                self.list_topic_subscriptions,
                w.ListTopicSubscriptionsRequest,
                w.ListTopicSubscriptionsResponse,
            ),
            "DeleteTopic": unary(self.delete_topic, w.DeleteTopicRequest, w.Empty),
            "DetachSubscription": unary(
                self.detach_subscription,
                w.DetachSubscriptionRequest,
                w.DetachSubscriptionResponse,
            ),
        }
        return grpc.method_handlers_generic_handler(SERVICE, methods)


def check_publish(request: Pb) -> None:
    """Check a PublishRequest against Google's limits.

    Raises:
        RequestError: INVALID_ARGUMENT, with the index of the message at fault.
    """
    if not request.messages:
        raise invalid("No messages to publish: messages is empty")
    if len(request.messages) > MAX_MESSAGES:
        count = len(request.messages)
        raise invalid(f"Too many messages to publish: {count}, at most {MAX_MESSAGES} a request")
    if request.ByteSize() > MAX_REQUEST_BYTES:
        size = request.ByteSize()
        raise invalid(
            f"Request payload size exceeds the limit: {MAX_REQUEST_BYTES} bytes (it has {size})"
        )
    for index, message in enumerate(request.messages):
        _check_message(index, message)


def _check_message(index: int, message: Pb) -> None:
    if not message.data and not message.attributes:
        raise invalid(f"Some messages are empty: messages[{index}] has neither data nor attributes")
    if len(message.ordering_key.encode()) > MAX_ORDERING_KEY_BYTES:
        raise invalid(f"messages[{index}].ordering_key is over {MAX_ORDERING_KEY_BYTES} bytes")
    if message.attributes:
        _check_attributes(index, message.attributes)


def _check_attributes(index: int, attributes: Pb) -> None:
    field = f"messages[{index}].attributes"
    if len(attributes) > MAX_ATTRIBUTES:
        raise invalid(
            f"{field} has {len(attributes)} entries, at most {MAX_ATTRIBUTES} are allowed"
        )
    for key, value in attributes.items():
        if not key:
            raise invalid(f"{field} has an empty key")
        if len(key.encode()) > MAX_KEY_BYTES:
            raise invalid(f"{field} has a key over {MAX_KEY_BYTES} bytes: {key[:40]}...")
        if key.startswith("goog"):
            raise invalid(f"{field} has the key {key}: keys starting with goog are reserved")
        if len(value.encode()) > MAX_VALUE_BYTES:
            raise invalid(f"{field}[{key}] is over {MAX_VALUE_BYTES} bytes")
