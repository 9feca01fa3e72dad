"""Completion of the command in a shell."""

from __future__ import annotations

import click

from infra.cli import output
from infra.cli.errors import Failure
from infra.cli.main import PROGRAM, Options, cli
from infra.cli.verb import verb


@verb()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(options: Options, shell: str) -> None:
    """Print the completion script of a shell.

    For bash: `./tablegate completion bash >> ~/.bashrc`.
    """
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    if made is None:
        raise Failure(f"There is no completion for {shell}.")
    variable = f"_{PROGRAM.upper()}_COMPLETE"
    script = made(cli, {}, PROGRAM, variable).source()
    if not output.answer(options, {"shell": shell, "script": script}):
        output.say(script)
