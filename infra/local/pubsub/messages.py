"""What a message may be: Google's limits on a publish request."""

from infra.local.pubsub.refusals import invalid
from infra.local.pubsub.wire import Pb

MAX_MESSAGES = 1000
MAX_REQUEST_BYTES = 10 * 1024 * 1024
MAX_ATTRIBUTES = 100
MAX_KEY_BYTES = 256
MAX_VALUE_BYTES = 1024
MAX_ORDERING_KEY_BYTES = 1024


def check_publish(request: Pb) -> None:
    """Check a PublishRequest against Google's limits.

    Raises:
        Refused: INVALID_ARGUMENT, naming the message by its index.
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
    where = f"messages[{index}].attributes"
    if len(attributes) > MAX_ATTRIBUTES:
        raise invalid(
            f"{where} has {len(attributes)} entries, at most {MAX_ATTRIBUTES} are allowed"
        )
    for key, value in attributes.items():
        if not key:
            raise invalid(f"{where} has an empty key")
        if len(key.encode()) > MAX_KEY_BYTES:
            raise invalid(f"{where} has a key over {MAX_KEY_BYTES} bytes: {key[:40]}...")
        if key.startswith("goog"):
            raise invalid(f"{where} has the key {key}: keys starting with goog are reserved")
        if len(value.encode()) > MAX_VALUE_BYTES:
            raise invalid(f"{where}[{key}] is over {MAX_VALUE_BYTES} bytes")
