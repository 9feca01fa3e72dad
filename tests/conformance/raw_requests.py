"""Requests that bypass the batching, checks and retries of the client library."""

from google.pubsub_v1.services.publisher import PublisherClient

ONCE = {"retry": None, "timeout": 10}


def publish_raw(project, topic: str, messages: list[dict]) -> list[str]:
    """Publish in one request, without the client's batching and checks."""
    request = {"topic": topic, "messages": messages}
    return list(PublisherClient.publish(project.publisher, request=request, **ONCE).message_ids)
