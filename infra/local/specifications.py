"""infra/functions.json and infra/schedule.json, read as what they are."""

from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from infra.local.errors import PlatformError

Shape = TypeVar("Shape")

INFRA = Path(__file__).resolve().parents[1]


class Push(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A push subscription of a function.

    Attributes:
        max_delivery_attempts: failed deliveries after which a message goes to the dead
            letters, or None to try for as long as it is retained.
    """

    topic: str
    path: str
    ack_deadline_seconds: int
    max_delivery_attempts: int | None


class Function(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A function as it is deployed.

    Attributes:
        paths: gateway paths that lead to it beside its own name.
        storage_event: the bucket whose new objects it gets, or None.
    """

    name: str
    signature: Literal["http", "cloudevent"]
    paths: tuple[str, ...]
    storage_event: str | None
    push: tuple[Push, ...]
    timeout_seconds: int
    concurrency: int


class TimedCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happens at a time: a message to a topic, or a call of a function."""

    name: str
    cron: str
    time_zone: str
    topic: str | None = None
    function: str | None = None
    path: str = "/"
    method: str = "POST"
    body: dict[str, object] | None = None


def functions(file: Path = INFRA / "functions.json") -> tuple[Function, ...]:
    """Every function there is to deploy.

    Raises:
        PlatformError: the file is not of its shape.
    """
    return _read(file, tuple[Function, ...])


def schedule(file: Path = INFRA / "schedule.json") -> tuple[TimedCall, ...]:
    """Every timed call.

    Raises:
        PlatformError: the file is not of its shape.
    """
    return _read(file, tuple[TimedCall, ...])


def _read(file: Path, shape: type[Shape]) -> Shape:
    try:
        return msgspec.json.decode(file.read_bytes(), type=shape)
    except msgspec.DecodeError as fault:
        raise PlatformError(f"{file} is not of its shape: {fault}.") from fault
