"""python -m infra.local.pubsub: serve Pub/Sub from one data file."""

import argparse
import sys
from pathlib import Path

import uvloop

from infra.local.pubsub.datafile import DataFileFault
from infra.local.pubsub.identity import SigningKeyFault
from infra.local.pubsub.server import Options, StartFault, serve


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal; return 1 when that cannot be, having said why."""
    try:
        uvloop.run(serve(_options(arguments)))
    except (DataFileFault, SigningKeyFault, StartFault) as fault:
        sys.stderr.write(f"pubsub: {fault}\n")
        return 1
    return 0


def _options(arguments: list[str] | None) -> Options:
    parser = argparse.ArgumentParser(prog="python -m infra.local.pubsub", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 picks one")
    parser.add_argument("--data", type=Path, required=True, help="the SQLite file that keeps all")
    parser.add_argument("--signing-key", type=Path, help="RSA private key (PEM) of push tokens")
    parser.add_argument("--key-id", help="kid of push tokens; default: a digest of the public key")
    parser.add_argument("--push-concurrency", type=int, default=8, help="pushes at once, each")
    given = parser.parse_args(arguments)
    if given.push_concurrency < 1:
        parser.error("--push-concurrency must be 1 or more")
    return Options(**vars(given))


if __name__ == "__main__":
    sys.exit(main())
