"""google.pubsub.v1.Publisher."""

from typing import Any

import grpc

from infra.local.pubsub import messages, names, service, wire
from infra.local.pubsub.broker import Broker
from infra.local.pubsub.wire import Pb

SERVICE = "google.pubsub.v1.Publisher"


class Publisher:
    """Topics, and publishing to them."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def publish(self, request: Pb, _: Any) -> Pb:
        """Keep messages; answer when they are on disk, and then set them on their way."""
        topic = self._broker.catalog.topic(request.topic)
        messages.check_publish(request)
        # A push takes a millisecond's work of this process, and then of others: whoever publishes
        # would wait that much longer for the answer.
        numbers = await self._broker.publish(topic, request.messages, service.afterwards)
        return wire.PublishResponse(message_ids=numbers)

    async def create_topic(self, request: Pb, _: Any) -> Pb:
        """Make a topic."""
        return await self._broker.catalog.create_topic(request)

    async def update_topic(self, request: Pb, _: Any) -> Pb:
        """Change a topic."""
        return await self._broker.catalog.update_topic(request)

    async def get_topic(self, request: Pb, _: Any) -> Pb:
        """Show a topic."""
        return self._broker.catalog.topic(request.topic)

    async def list_topics(self, request: Pb, _: Any) -> Pb:
        """List a project's topics."""
        prefix = names.check_project(request.project) + "/"
        topics = [
            t for name, t in sorted(self._broker.catalog.topics.items()) if name.startswith(prefix)
        ]
        part, token = service.page(topics, request, lambda topic: str(topic.name))
        return wire.ListTopicsResponse(topics=part, next_page_token=token)

    async def list_topic_subscriptions(self, request: Pb, _: Any) -> Pb:
        """List the subscriptions attached to a topic."""
        self._broker.catalog.topic(request.topic)
        attached = sorted(s.name for s in self._broker.catalog.subscriptions_of(request.topic))
        part, token = service.page(attached, request, str)
        return wire.ListTopicSubscriptionsResponse(subscriptions=part, next_page_token=token)

    async def delete_topic(self, request: Pb, _: Any) -> Pb:
        """Remove a topic."""
        await self._broker.catalog.delete_topic(request.topic)
        return wire.Empty()

    async def detach_subscription(self, request: Pb, _: Any) -> Pb:
        """Cut a subscription off from its topic."""
        await self._broker.catalog.detach(request.subscription)
        return wire.DetachSubscriptionResponse()

    def handler(self) -> grpc.GenericRpcHandler:
        """The service as gRPC serves it."""
        unary, w = service.unary, wire
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
