"""How a verb is declared: with `--json` if it has an answer, and with errors as one line."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from infra.cli.errors import Failure
from infra.cli.main import Options
from infra.local.errors import PlatformError

_Function = Callable[..., Any]


def verb(
    name: str | None = None,
    group: click.Group | None = None,
    *,
    has_json: bool = True,
    **settings: Any,
) -> Callable[[_Function], click.Command]:
    """Declare a verb; the function takes the `Options` first, and returns the exit code or None."""
    with_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")

    def declare(function: _Function) -> click.Command:
        @click.pass_context
        @wraps(function)
        def run(ctx: click.Context, /, **given: Any) -> Any:
            options = ctx.find_object(Options) or Options()
            options.json = given.pop("as_json", False) or options.json
            try:
                return function(options, **given)
            except PlatformError as error:
                raise Failure(str(error)) from error

        make = click.command if group is None else group.command
        called = name or function.__name__.rstrip("_")
        command: click.Command = make(called, **settings)(with_json(run) if has_json else run)
        return command

    return declare
