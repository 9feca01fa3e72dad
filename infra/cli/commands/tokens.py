"""Tokens of the embedded platform."""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import Any

import click

from infra.cli import output
from infra.cli.main import Options
from infra.cli.verb import verb
from infra.local import tokens
from infra.local.home import Home
from shared import tokens as made


class _Parsed(click.ParamType[Any]):
    """A value that a function of `shared.tokens` reads."""

    def __init__(self, name: str, read: Any) -> None:
        self.name, self._read = name, read

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return what the function makes of it."""
        try:
            return self._read(value)
        except argparse.ArgumentTypeError as error:
            self.fail(str(error), param, ctx)


@click.group()
def token() -> None:
    """Create, list and revoke tokens of the platform on this machine.

    On Google Cloud, tokens are in the variable TOKENS; `python -m shared.tokens new` makes one.
    """


@verb(group=token)
@click.argument("name", type=_Parsed("name", made.name))
@click.option(
    "--scopes", required=True, type=_Parsed("scopes", made.scopes), help="Such as rows,metrics."
)
@click.option("--expires", type=_Parsed("moment", made.moment), help="Such as 2027-01-01.")
def new(options: Options, name: str, scopes: list[str], expires: datetime | None) -> None:
    """Create a token for NAME. It is shown once."""
    home = Home.at(options.home)
    home.require()
    found = tokens.register(home, name, scopes, expires)
    if not output.answer(options, {"name": name, "token": found, "scopes": scopes}):
        output.note(f"Token, shown only once; give it to {name}:")
        output.say(found)


@verb(group=token, name="list")
def list_(options: Options) -> None:
    """List who has a token."""
    home = Home.at(options.home)
    home.require()
    found = [{k: one[k] for k in ("name", "scopes", "expires")} for one in tokens.entries(home)]
    if not output.answer(options, {"tokens": found}):
        rows = [(one["name"], ", ".join(one["scopes"]), one["expires"] or "never") for one in found]
        output.table(("name", "scopes", "expires"), rows)


@verb(group=token)
@click.argument("name")
def revoke(options: Options, name: str) -> None:
    """Revoke the token of NAME."""
    home = Home.at(options.home)
    home.require()
    tokens.revoke(home, name)
    if not output.answer(options, {"revoked": name}):
        output.say(f"The token of {name} is revoked.")
