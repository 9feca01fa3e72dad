"""Serve Pub/Sub from one database file: python -m infra.local.pubsub --data FILE."""

import argparse
import asyncio
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import grpc
import uvloop

from infra.local.pubsub import database
from infra.local.pubsub.broker import Broker
from infra.local.pubsub.errors import StartError
from infra.local.pubsub.logs import log
from infra.local.pubsub.publisher import Publisher
from infra.local.pubsub.push import PushClient, load_signer
from infra.local.pubsub.secret import SecretCheck, read_secret
from infra.local.pubsub.store import Store, Writer
from infra.local.pubsub.subscriber import Subscriber
from infra.local.pubsub.wire import Subscription

# Above the limit on a publish request, so that a larger one gets an error that states the limit.
MAX_RECEIVE_BYTES = 32 * 1024 * 1024
STOP_SECONDS = 2.0


@dataclass(frozen=True)
class Options:
    """The command line."""

    host: str
    port: int
    data: Path
    secret_file: Path
    signing_key: Path | None
    key_id: str | None
    sign_for: list[str]
    push_concurrency: int


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal; if the server cannot start, print why and return 1."""
    try:
        uvloop.run(serve(_options(arguments)))
    except StartError as error:
        sys.stderr.write(f"pubsub: {error}\n")
        return 1
    return 0


def _options(arguments: list[str] | None) -> Options:
    parser = argparse.ArgumentParser(prog="python -m infra.local.pubsub", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 picks one")
    parser.add_argument("--data", type=Path, required=True, help="the SQLite file")
    parser.add_argument(
        "--secret-file",
        type=Path,
        required=True,
        help="file with the secret that changes of topics and subscriptions need",
    )
    parser.add_argument("--signing-key", type=Path, help="RSA private key (PEM) of push tokens")
    parser.add_argument("--key-id", help="kid of push tokens; default: a digest of the public key")
    parser.add_argument(
        "--sign-for",
        action="append",
        default=[],
        metavar="URL",
        help="push endpoint that gets tokens; may be repeated",
    )
    parser.add_argument(
        "--push-concurrency", type=int, default=8, help="concurrent pushes per subscription"
    )
    given = parser.parse_args(arguments)
    if given.push_concurrency < 1:
        parser.error("--push-concurrency must be 1 or more")
    return Options(**vars(given))


async def serve(options: Options) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        StartError: the server cannot start.
    """
    secret = read_secret(options.secret_file)
    signer = load_signer(options.signing_key, options.key_id) if options.signing_key else None
    database.lock(options.data)
    connection = database.connect(options.data)
    stored = database.load(connection)
    bodies = database.MessageBodies(database.connect(options.data))
    push_client = PushClient(bodies, signer, options.sign_for, options.push_concurrency)
    writer = Writer(connection)
    broker = Broker(Store(writer), bodies, push_client)
    try:
        server, port = await _listen(options, broker, secret)
        _check_signing(stored, can_sign=signer is not None)
        broker.restore(stored)
        await server.start()
        await _until_stopped(options.host, port, len(stored.messages))
        await _stop(server, broker)
    finally:
        await push_client.close(STOP_SECONDS)
        await writer.close()
        bodies.close()


def _check_signing(stored: database.StoredState, can_sign: bool) -> None:
    configs = [Subscription.FromString(config) for _, config in stored.subscriptions]
    signed = [config.name for config in configs if config.push_config.HasField("oidc_token")]
    if signed and not can_sign:
        raise StartError(f"{signed[0]} pushes with identity tokens: start with --signing-key")


async def _listen(options: Options, broker: Broker, secret: str) -> tuple[grpc.aio.Server, int]:
    server = grpc.aio.server(
        interceptors=(SecretCheck(secret),),
        options=[
            ("grpc.max_receive_message_length", MAX_RECEIVE_BYTES),
            ("grpc.max_send_message_length", -1),
            # Otherwise a second server on the port would silently get some of its connections.
            ("grpc.so_reuseport", 0),
        ],
    )
    handlers = (Publisher(broker).handler(), Subscriber(broker).handler())
    server.add_generic_rpc_handlers(handlers)
    address = f"{options.host}:{options.port}"
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise StartError(f"cannot listen on {address}: is the port in use?") from error
    if not port:
        raise StartError(f"cannot listen on {address}: is the port in use?")
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


if __name__ == "__main__":
    sys.exit(main())
