"""store_rows: a batch was published; store its rows."""

import functions_framework
from flask import Request, Response

from shared import wiring
from shared.errors import ConfigurationError, PermanentError
from shared.http.push import PushMessage
from shared.http.routes import PUSH, Call, Door, Route
from shared.loading import batches, store


def take(call: Call) -> Response:
    """Store the batch of a pushed message; put one aside that can never be stored."""
    message = PushMessage.read(call.request)
    engine, publisher, settings = wiring.engine(), wiring.publisher(), wiring.settings()
    try:
        batch = batches.unpack(message.data, message.attributes, settings.max_batch_bytes)
        store.store(engine, publisher, settings, batch)
    except ConfigurationError:
        # The operator can mend it, and then the message is good.
        raise
    except PermanentError as error:
        reason = store.DeadLetter(
            message.message_id,
            message.data,
            message.attributes,
            type(error).__name__,
            str(error),
        )
        store.dead_letter(engine, publisher, settings, reason)
    return Response(status=204)


DOOR = Door("store_rows", [Route("POST", "/", take, scope=PUSH, summary="Store a published batch")])


@functions_framework.http
def store_rows(request: Request) -> Response:
    """Pub/Sub's pushes of topic row-batches end here."""
    return DOOR(request)
