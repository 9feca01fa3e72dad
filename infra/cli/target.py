"""Finds the platform that a command works on: the embedded one, or one elsewhere."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from infra.cli.errors import Failure
from infra.cli.main import PROGRAM, Options
from infra.local.home import Home
from infra.local.next_steps import shown
from infra.local.status import running_status


@dataclass(frozen=True)
class Target:
    """A platform.

    Attributes:
        url: its address, without a slash at the end.
        token: the token for it.
        description: the embedded platform's platform.json; None for a platform elsewhere.
    """

    url: str
    token: str
    description: dict[str, Any] | None = None


def find(options: Options) -> Target:
    """Find the platform that the options or the environment name, or the embedded one.

    Raises:
        Failure: there is none; the message says what to do.
    """
    if options.profile:
        return _of_profile(options.profile)
    if options.url:
        if not options.token:
            raise Failure("TABLEGATE_URL needs a token: set TABLEGATE_TOKEN, too.")
        return Target(_checked(options.url), options.token)
    return embedded(options)


def embedded(options: Options) -> Target:
    """Find the platform that runs on this machine.

    Raises:
        Failure: none is running.
    """
    home = Home.at(options.home)
    if not (home.is_home() and running_status(home) and home.description.exists()):
        raise Failure(
            f"No platform runs on {shown(home.path)}; `{command(options, 'up')}` starts it."
        )
    description = json.loads(home.description.read_text())
    return Target(description["gateway"], description["token"], description)


def profiles_file() -> Path:
    """Return the path of profiles.toml in the user's folder for settings."""
    return Path(click.get_app_dir(PROGRAM)) / "profiles.toml"


def command(options: Options, words: str) -> str:
    """A command for the same platform, as a user would type it."""
    home = Home.at(options.home).path
    is_default = home == Path(".local").resolve()
    return f"./{PROGRAM}{'' if is_default else f' --home {shown(home)}'} {words}"


def _of_profile(name: str) -> Target:
    path = profiles_file()
    try:
        found = tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise Failure(f"There is no {path}; write one with [{name}], url = and token =.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Failure(f"{path} is not TOML: {error}.") from error
    profile = found.get(name)
    if not isinstance(profile, dict):
        raise Failure(f"{path} has no profile {name!r}; it has {', '.join(found) or 'none'}.")
    missing = [key for key in ("url", "token") if not isinstance(profile.get(key), str)]
    if missing:
        raise Failure(f"Profile {name!r} in {path} lacks {' and '.join(missing)}.")
    return Target(_checked(profile["url"]), profile["token"])


def _checked(url: str) -> str:
    if not url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        # A token must not travel unencrypted.
        raise Failure(f"The address {url!r} must begin with https://.")
    return url.rstrip("/")
