"""Resource names: projects/{project}/topics/{id} and projects/{project}/subscriptions/{id}."""

import re

from infra.local.pubsub.refusals import invalid

DELETED_TOPIC = "_deleted-topic_"
ID_RULE = "3 to 255 of letters, digits and -._~+%, a letter first, not starting with goog"

_NAMES = {
    kind: re.compile(rf"projects/[^/\s]+/{kind}/(?!goog)[A-Za-z][A-Za-z0-9\-._~+%]{{2,254}}")
    for kind in ("topics", "subscriptions")
}
_PROJECT = re.compile(r"projects/[^/\s]+")


def check(kind: str, name: str) -> str:
    """Return `name` when it is a whole name of its kind (topics or subscriptions).

    Raises:
        Refused: INVALID_ARGUMENT, with the rule that it breaks.
    """
    if not _NAMES[kind].fullmatch(name):
        shape = f"projects/{{project}}/{kind}/{{id}}"
        raise invalid(f"Invalid [{kind}] name: (name={name}); it must be {shape}, id {ID_RULE}")
    return name


def check_project(name: str) -> str:
    """Return `name` when it is projects/{project}.

    Raises:
        Refused: INVALID_ARGUMENT.
    """
    if not _PROJECT.fullmatch(name):
        raise invalid(f"Invalid [projects] name: (name={name}); it must be projects/{{project}}")
    return name


def project_of(name: str) -> str:
    """The project's id in a resource name."""
    return name.split("/")[1]
