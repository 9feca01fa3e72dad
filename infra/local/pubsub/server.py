"""The server: everything put together, served until a signal says stop."""

import asyncio
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import grpc

from infra.local.pubsub import datafile, identity
from infra.local.pubsub.bodies import Bodies
from infra.local.pubsub.broker import Broker
from infra.local.pubsub.journal import Journal
from infra.local.pubsub.logs import log
from infra.local.pubsub.publisher import Publisher
from infra.local.pubsub.pusher import Courier
from infra.local.pubsub.records import Records
from infra.local.pubsub.subscriber import Subscriber
from infra.local.pubsub.wire import Subscription

# Over the limit on a request's size, so that the refusal can say what the limit is.
MAX_RECEIVE_BYTES = 32 * 1024 * 1024
STOP_SECONDS = 2.0


class StartFault(Exception):
    """The server cannot start; the text says why, in one line."""


@dataclass(frozen=True)
class Options:
    """How to serve."""

    host: str
    port: int
    data: Path
    signing_key: Path | None
    key_id: str | None
    push_concurrency: int


async def serve(options: Options) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        StartFault, DataFileFault, SigningKeyFault: it could not start.
    """
    signer = identity.load(options.signing_key, options.key_id) if options.signing_key else None
    datafile.hold(options.data)
    connection = datafile.connect(options.data)
    saved = datafile.read(connection)
    bodies = Bodies(datafile.connect(options.data))
    courier = Courier(bodies, signer, options.push_concurrency)
    journal = Journal(connection)
    broker = Broker(Records(journal), bodies, courier)
    try:
        server, port = await _listen(options, broker)
        _check_signing(saved, can_sign=signer is not None)
        broker.restore(saved)
        await server.start()
        await _until_stopped(options.host, port, len(saved.messages))
        await _stop(server, broker)
    finally:
        await courier.close(STOP_SECONDS)
        await journal.close()
        bodies.close()


def _check_signing(saved: datafile.Saved, can_sign: bool) -> None:
    configs = [Subscription.FromString(config) for _, config in saved.subscriptions]
    signed = [config.name for config in configs if config.push_config.HasField("oidc_token")]
    if signed and not can_sign:
        raise StartFault(f"{signed[0]} pushes with identity tokens: start with --signing-key")


async def _listen(options: Options, broker: Broker) -> tuple[grpc.aio.Server, int]:
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", MAX_RECEIVE_BYTES),
            ("grpc.max_send_message_length", -1),
            # Two servers on one port would share its connections without a word.
            ("grpc.so_reuseport", 0),
        ]
    )
    handlers = (Publisher(broker).handler(), Subscriber(broker).handler())
    server.add_generic_rpc_handlers(handlers)
    address = f"{options.host}:{options.port}"
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise StartFault(f"cannot listen on {address}: is the port taken?") from error
    if not port:
        raise StartFault(f"cannot listen on {address}: is the port taken?")
    return server, port


async def _until_stopped(host: str, port: int, waiting: int) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    sys.stdout.write(f"pubsub listens on {host}:{port}\n")
    sys.stdout.flush()
    log("INFO", "started", port=port, messages_waiting=waiting)
    await stopped.wait()


async def _stop(server: grpc.aio.Server, broker: Broker) -> None:
    broker.stop()
    await server.stop(STOP_SECONDS)
    log("INFO", "stopped")
