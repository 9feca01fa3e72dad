"""Store the batches that Pub/Sub pushes."""

from flask import Response

from shared import wiring
from shared.errors import ConfigurationError, PermanentError
from shared.http.push import PushMessage
from shared.http.routes import PUSH, Context, Route
from shared.loading import batches, store


def store_batch(context: Context) -> Response:
    """Store the batch of a pushed message; dead-letter one that can never be stored."""
    message = PushMessage.read(context.request)
    engine, publisher, settings = wiring.engine(), wiring.publisher(), wiring.settings()
    try:
        batch = batches.unpack(message.data, message.attributes, settings.max_batch_bytes)
        store.store(engine, publisher, settings, batch)
    except ConfigurationError:
        # Once the operator has corrected the setting, the batch can be stored.
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


STORE = Route("POST", "/", store_batch, scope=PUSH, documented=False)

ROUTES = {"store_rows": (STORE,)}
