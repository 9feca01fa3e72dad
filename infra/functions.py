"""Reads the functions of a folder, each described by its `function.json`.

Packaging, the gateway's document, Terraform and the embedded platform all read that file, so to add
a function, add only its folder. infra/README.md explains every key.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "functions"

Bucket = Literal["uploads", "processed", "failed", "backups", "staging"]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]*$")]
_Path = Annotated[str, Meta(pattern="^/")]
_Positive = Annotated[int, Meta(ge=1)]


class InvalidFunction(Exception):
    """A folder does not describe a function; the text names the file and what is wrong with it."""


class Push(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A push subscription: Pub/Sub sends each message of a topic to the function.

    Attributes:
        topic: the topic; it is created if no other function names it.
        path: path of the function that takes the messages.
        ack_deadline_seconds: how long one delivery may take.
        max_delivery_attempts: failed deliveries after which a message becomes a dead letter.
    """

    topic: _Name
    path: _Path
    ack_deadline_seconds: Annotated[int, Meta(ge=10, le=600)]
    max_delivery_attempts: Annotated[int, Meta(ge=5, le=100)]


class Job(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A scheduled job: a call of the function, or a message to a topic that it subscribes to.

    Attributes:
        name: unique among the jobs of all functions.
        cron: when the job runs, as five cron fields.
        time_zone: IANA name of the zone in which `cron` is read.
        topic: topic of the message, or None for a call.
        path: path of the call, or None for a message.
        method: HTTP method of the call.
        body: JSON body of the call.
    """

    name: _Name
    cron: Annotated[str, Meta(pattern=r"^\S+( \S+){4}$")]
    time_zone: str
    topic: _Name | None = None
    path: _Path | None = None
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    body: dict[str, object] | None = None

    def __post_init__(self) -> None:
        if (self.topic is None) == (self.path is None):
            raise ValueError(f"job {self.name} needs either a topic or a path")


class Trigger(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The events and calls that a function takes.

    Attributes:
        signature: `http`, or `cloudevent` for a function that takes events.
        paths: paths of the gateway that lead to the function, besides `/` and its name.
        storage_event: the bucket whose new objects call the function, or None.
        push: its push subscriptions.
        schedule: its scheduled jobs.
    """

    signature: Literal["http", "cloudevent"]
    paths: tuple[_Path, ...]
    storage_event: Bucket | None
    push: tuple[Push, ...]
    schedule: tuple[Job, ...]

    def __post_init__(self) -> None:
        if self.signature == "http" and self.storage_event:
            raise ValueError("storage_event needs the signature cloudevent")
        if self.signature == "cloudevent" and self.paths:
            raise ValueError("paths need the signature http: the gateway does not pass on events")
        topics = {push.topic for push in self.push}
        for job in self.schedule:
            if job.topic is not None and job.topic not in topics:
                raise ValueError(
                    f"job {job.name} publishes to {job.topic}, to which the function does not "
                    "subscribe: add a push"
                )


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The resource limits of a function.

    Attributes:
        timeout_seconds: how long one call may take.
        concurrency: calls that one instance answers at a time.
        max_instances: the most instances that Google starts.
        memory: the memory of an instance.
        cpu: the CPUs of an instance.
        pool: database connections that one instance may hold.
    """

    timeout_seconds: Annotated[int, Meta(ge=1, le=3600)]
    concurrency: Annotated[int, Meta(ge=1, le=1000)]
    max_instances: _Positive
    memory: Annotated[str, Meta(pattern="^[1-9][0-9]*(Mi|Gi)$")]
    cpu: Annotated[str, Meta(pattern="^[0-9]+([.][0-9]+)?$")]
    pool: Annotated[int, Meta(ge=0)]


class Permissions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rights of a function's account.

    Attributes:
        database: its role in PostgreSQL; infra/gcp/roles.sql says what each role may do.
        warehouse: its role in BigQuery.
        buckets: its role by bucket.
        publishes: topics it may publish to; they are created if no other function names them.
        tokens: whether it may read the hashes of the API's tokens.
    """

    database: Literal["owner", "writer", "reader", "none"]
    warehouse: Literal["writer", "reader", "none"]
    buckets: dict[Bucket, Literal["user", "viewer", "creator"]]
    publishes: tuple[_Name, ...]
    tokens: bool


class Package(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The contents of a function's zip besides the Python modules and SQL that it reaches.

    Attributes:
        dependency_groups: groups of pyproject.toml whose distributions the function needs.
        files: folders or files of the checkout that the function serves.
    """

    dependency_groups: tuple[str, ...]
    files: tuple[str, ...]


class Function(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A function.

    Attributes:
        name: the name of its folder, its entry point and its first path.
    """

    name: str
    trigger: Trigger
    limits: Limits
    permissions: Permissions
    package: Package

    def __post_init__(self) -> None:
        if (self.permissions.database == "none") != (self.limits.pool == 0):
            raise ValueError(
                "pool must be above 0 if the function has a role in the database, else 0"
            )


def read(folder: Path = FOLDER) -> tuple[Function, ...]:
    """Read the functions of a folder, sorted by name.

    Raises:
        InvalidFunction: a function.json or main.py is missing or wrong.
    """
    found = {
        path.parent for name in ("main.py", "function.json") for path in folder.glob(f"*/{name}")
    }
    functions = tuple(_read(path) for path in sorted(found))
    _check_jobs(functions)
    return functions


def jobs(functions: Sequence[Function]) -> dict[str, Job]:
    """Return the scheduled jobs of some functions by name."""
    return {job.name: job for one in functions for job in one.trigger.schedule}


def topics(functions: Sequence[Function]) -> tuple[str, ...]:
    """Return the topics that some functions publish or subscribe to, sorted."""
    pushed = {push.topic for one in functions for push in one.trigger.push}
    published = {topic for one in functions for topic in one.permissions.publishes}
    return tuple(sorted(pushed | published))


def _read(folder: Path) -> Function:
    for name in ("main.py", "function.json"):
        if not (folder / name).is_file():
            raise InvalidFunction(
                f"{folder} has no {name}; infra/README.md says what belongs in a function's folder."
            )
    if not _NAME.fullmatch(folder.name):
        raise InvalidFunction(
            f"{folder} cannot name a function: use at most 63 lower-case letters, digits and _."
        )
    file = folder / "function.json"
    try:
        described = msgspec.json.decode(file.read_bytes(), type=dict[str, object])
        if "name" in described:
            raise InvalidFunction(
                f"{file}: leave out `name`; a function has the name of its folder."
            )
        return msgspec.convert({"name": folder.name, **described}, Function)
    except msgspec.DecodeError as error:
        raise InvalidFunction(f"{file}: {error}") from error


def _check_jobs(functions: Sequence[Function]) -> None:
    owners: dict[str, str] = {}
    for one in functions:
        for job in one.trigger.schedule:
            if job.name in owners:
                raise InvalidFunction(
                    f"Functions {owners[job.name]} and {one.name} both have a job {job.name}; "
                    "rename one of them."
                )
            owners[job.name] = one.name
