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
    parser.add_argument("--name", required=True, type=name, help="who holds it")
    parser.add_argument(
        "--scopes",
        required=True,
        type=scopes,
        help=f"from {', '.join(SCOPES)}, separated by commas",
    )
    parser.add_argument(
        "--expires", type=moment, help="when it expires, such as 2027-01-01 or 2027-01-01T12:00Z"
    )


def name(text: str) -> str:
    """Check the name of a token's holder.

    Raises:
        ArgumentTypeError: it is empty, too long, or holds what cannot be printed.
    """
    if not text.strip() or not text.isprintable() or len(text) > 100:
        raise argparse.ArgumentTypeError("must be 1 to 100 printable characters")
    return text


def scopes(text: str) -> list[str]:
    """Read scopes separated by commas.

    Raises:
        ArgumentTypeError: one is unknown.
    """
    given = [scope.strip() for scope in text.split(",")]
    unknown = [scope for scope in given if scope not in SCOPES]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"unknown: {', '.join(unknown)}; the scopes are {', '.join(SCOPES)}"
        )
    return sorted(set(given), key=SCOPES.index)


def moment(text: str) -> datetime:
    """Read when a token expires; without an offset it is UTC.

    Raises:
        ArgumentTypeError: it is no moment, or past.
    """
    try:
        given = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("must be an ISO 8601 date or time") from error
    given = given if given.tzinfo else given.replace(tzinfo=UTC)
    if given <= datetime.now(UTC):
        raise argparse.ArgumentTypeError("is in the past")
    return given


if __name__ == "__main__":
    main()
