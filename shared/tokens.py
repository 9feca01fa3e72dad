"""Makes new tokens: `python -m shared.tokens new --name ann --scopes rows,metrics`.

The token is shown once and stored nowhere; TOKENS holds its hash.
"""

import argparse
import hashlib
import json
import secrets
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from shared.settings import SCOPES

_PREFIX = "tg_"  # lets scanners for leaked secrets recognise one


def new_token() -> str:
    """Make a token of 256 random bits."""
    return f"{_PREFIX}{secrets.token_urlsafe(32)}"


def entry(
    token: str, name: str, scopes: Sequence[str], expires: datetime | None = None
) -> dict[str, object]:
    """Build a token's entry in TOKENS."""
    return {
        "name": name,
        "sha256": hashlib.sha256(token.encode()).hexdigest(),
        "scopes": list(scopes),
        "expires": expires.astimezone(UTC).isoformat() if expires else None,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a new token and its entry."""
    given = _parser().parse_args(arguments)
    token = new_token()
    configured = json.dumps(entry(token, given.name, given.scopes, given.expires))
    sys.stdout.write(
        f"Token, shown only once; give it to {given.name}:\n  {token}\n"
        f"Entry, to add to the JSON list in TOKENS:\n  {configured}\n"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m shared.tokens", description=__doc__)
    add_options(parser.add_subparsers(required=True, metavar="new").add_parser("new"))
    return parser


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that describe a new token."""
    parser.add_argument("--name", required=True, type=_name, help="who holds it")
    parser.add_argument(
        "--scopes",
        required=True,
        type=_scopes,
        help=f"from {', '.join(SCOPES)}, separated by commas",
    )
    parser.add_argument(
        "--expires", type=_moment, help="when it expires, such as 2027-01-01 or 2027-01-01T12:00Z"
    )


def _name(text: str) -> str:
    if not text.strip() or not text.isprintable() or len(text) > 100:
        raise argparse.ArgumentTypeError("must be 1 to 100 printable characters")
    return text


def _scopes(text: str) -> list[str]:
    scopes = [scope.strip() for scope in text.split(",")]
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"unknown: {', '.join(unknown)}; the scopes are {', '.join(SCOPES)}"
        )
    return sorted(set(scopes), key=SCOPES.index)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("must be an ISO 8601 date or time") from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment <= datetime.now(UTC):
        raise argparse.ArgumentTypeError("is in the past")
    return moment


if __name__ == "__main__":
    main()
