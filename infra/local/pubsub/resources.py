"""Topics and subscriptions as clients configure them: names, limits, defaults and updates."""

import re
from urllib.parse import urlsplit

from infra.local.pubsub.errors import invalid, out_of_range, unsupported
from infra.local.pubsub.wire import Pb, Subscription, seconds

DELETED_TOPIC = "_deleted-topic_"
ID_RULE = "3 to 255 of letters, digits and -._~+%, starting with a letter and not with goog"

_NAMES = {
    kind: re.compile(rf"projects/[^/\s]+/{kind}/(?!goog)[A-Za-z][A-Za-z0-9\-._~+%]{{2,254}}")
    for kind in ("topics", "subscriptions")
}
_PROJECT = re.compile(r"projects/[^/\s]+")

DEFAULT_ACK_SECONDS = 10
DEFAULT_RETENTION_SECONDS = 7 * 86400
DEFAULT_ATTEMPTS = 5
DEFAULT_BACKOFF_SECONDS = (10, 600)
PUSH_VERSIONS = ("v1", "v1beta2")

UNSUPPORTED_TOPIC_FIELDS = {
    "schema_settings": "publish without a schema",
    "message_retention_duration": "messages are kept for subscriptions only, leave it unset",
    "ingestion_data_source_settings": "publish to the topic instead",
    "message_transforms": "leave it unset",
    "kms_key_name": "leave it unset",
}
UNSUPPORTED_SUBSCRIPTION_FIELDS = {
    "filter": "every message is delivered, leave it unset and check the attributes",
    "enable_message_ordering": "messages are delivered in no order, leave it unset",
    "enable_exactly_once_delivery": "delivery is at least once, leave it unset",
    "retain_acked_messages": "acknowledged messages are dropped, leave it unset",
    "bigquery_config": "use a push or pull subscription",
    "cloud_storage_config": "use a push or pull subscription",
    "bigtable_config": "use a push or pull subscription",
    "message_transforms": "leave it unset",
}
MUTABLE_TOPIC_FIELDS = {"labels", "tags", "message_storage_policy", *UNSUPPORTED_TOPIC_FIELDS}
MUTABLE_SUBSCRIPTION_FIELDS = {
    "push_config",
    "ack_deadline_seconds",
    "message_retention_duration",
    "labels",
    "expiration_policy",
    "dead_letter_policy",
    "retry_policy",
    "retain_acked_messages",
    "enable_exactly_once_delivery",
    "bigquery_config",
    "cloud_storage_config",
    "bigtable_config",
    "message_transforms",
}


def check_name(kind: str, name: str) -> str:
    """Return a resource's name if it is a full name of its kind (topics or subscriptions).

    Raises:
        RequestError: INVALID_ARGUMENT, with the rule.
    """
    if not _NAMES[kind].fullmatch(name):
        shape = f"projects/{{project}}/{kind}/{{id}}"
        raise invalid(f"Invalid [{kind}] name: (name={name}); it must be {shape}, id {ID_RULE}")
    return name


def check_project(name: str) -> str:
    """Return a project's name if it is projects/{project}.

    Raises:
        RequestError: INVALID_ARGUMENT.
    """
    if not _PROJECT.fullmatch(name):
        raise invalid(f"Invalid [projects] name: (name={name}); it must be projects/{{project}}")
    return name


def project_of(name: str) -> str:
    """The project's id in a resource's name."""
    return name.split("/")[1]


def check_topic(config: Pb) -> None:
    """Check a topic as a client sent it.

    Raises:
        RequestError: INVALID_ARGUMENT or UNIMPLEMENTED, naming the field.
    """
    check_name("topics", config.name)
    _refuse_unsupported(config, UNSUPPORTED_TOPIC_FIELDS)


def complete_subscription(config: Pb) -> None:
    """Check a subscription as a client sent it and fill in Google's defaults.

    The catalog checks whether its topics exist.

    Raises:
        RequestError: INVALID_ARGUMENT, OUT_OF_RANGE or UNIMPLEMENTED, naming the field.
    """
    check_name("subscriptions", config.name)
    if config.topic != DELETED_TOPIC:
        check_name("topics", config.topic)
    _refuse_unsupported(config, UNSUPPORTED_SUBSCRIPTION_FIELDS)
    _complete_deadline(config)
    _complete_retention(config)
    if config.HasField("retry_policy"):
        _complete_retry(config.retry_policy)
    if config.HasField("dead_letter_policy"):
        _complete_dead_letter(config.dead_letter_policy)
    check_push_config(config.push_config)
    if seconds(config.expiration_policy.ttl):
        raise unsupported("expiration_policy.ttl", "subscriptions never expire, leave it unset")
    config.state = Subscription.State.ACTIVE


def check_push_config(push: Pb) -> None:
    """Check a push configuration; if it is empty, messages are pulled.

    Raises:
        RequestError: INVALID_ARGUMENT.
    """
    if not push.push_endpoint:
        if push.HasField("oidc_token"):
            raise invalid("push_config.oidc_token needs a push_config.push_endpoint")
        return
    try:
        parts = urlsplit(push.push_endpoint)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole:
        raise invalid(f"Unsupported push_endpoint: {push.push_endpoint} is not an http(s) URL")
    if push.HasField("oidc_token") and not push.oidc_token.service_account_email:
        raise invalid("push_config.oidc_token needs a service_account_email")
    for key, value in push.attributes.items():
        if key != "x-goog-version" or value not in PUSH_VERSIONS:
            raise invalid(f"push_config.attributes: {key} = {value} is unknown")


def updated(stored: Pb, update: Pb, mask: Pb, mutable: set[str], kind: str) -> Pb:
    """Return a copy of `stored` with the fields that the mask names taken from `update`.

    Raises:
        RequestError: INVALID_ARGUMENT if the mask is empty or names a field that cannot change.
    """
    if not mask.paths:
        raise invalid("The update_mask must be set, and must contain a non-empty paths list.")
    config = type(stored)()
    config.CopyFrom(stored)
    for path in mask.paths:
        _check_path(path, config, mutable, kind)
        config.ClearField(path)
        part = type(stored)()
        part.CopyFrom(update)
        for name in [field.name for field, _ in part.ListFields() if field.name != path]:
            part.ClearField(name)
        config.MergeFrom(part)
    return config


def _check_path(path: str, config: Pb, mutable: set[str], kind: str) -> None:
    if path not in config.DESCRIPTOR.fields_by_name:
        raise invalid(
            f"Invalid update_mask: {path} is not a known {kind} field. "
            "Note that field paths must be of the form 'push_config' rather than 'pushConfig'."
        )
    if path not in mutable:
        raise invalid(f"Invalid update_mask: the {path} field in the {kind} is not mutable.")


def _refuse_unsupported(config: Pb, unsupported_fields: dict[str, str]) -> None:
    for field, _ in config.ListFields():
        if field.name in unsupported_fields:
            raise unsupported(field.name, unsupported_fields[field.name])


def _complete_deadline(config: Pb) -> None:
    config.ack_deadline_seconds = config.ack_deadline_seconds or DEFAULT_ACK_SECONDS
    if not 10 <= config.ack_deadline_seconds <= 600:
        given = config.ack_deadline_seconds
        raise invalid(f"ack_deadline_seconds is {given}, it must be between 10 and 600")


def _complete_retention(config: Pb) -> None:
    if not config.HasField("message_retention_duration"):
        config.message_retention_duration.seconds = DEFAULT_RETENTION_SECONDS
    given = seconds(config.message_retention_duration)
    if not 600 <= given <= 31 * 86400:
        raise invalid(
            f"message_retention_duration is {given:g}s, it must be between 600s and 2678400s"
        )


def _complete_retry(policy: Pb) -> None:
    for field, default in zip(
        ("minimum_backoff", "maximum_backoff"), DEFAULT_BACKOFF_SECONDS, strict=True
    ):
        if not policy.HasField(field):
            getattr(policy, field).seconds = default
        given = seconds(getattr(policy, field))
        if not 0 <= given <= 600:
            raise invalid(
                f"The value for {field} is out of bounds. You passed {given:g}s in the request, "
                "but the value must be between 0s and 600s."
            )
    shortest, longest = seconds(policy.minimum_backoff), seconds(policy.maximum_backoff)
    if longest < shortest:
        raise invalid(
            f"The value for maximum_backoff is too small. You passed {longest:g}s in the "
            f"request, but the minimum value is {shortest:g}s."
        )


def _complete_dead_letter(policy: Pb) -> None:
    policy.max_delivery_attempts = policy.max_delivery_attempts or DEFAULT_ATTEMPTS
    given = policy.max_delivery_attempts
    if given < 5:
        raise out_of_range(
            "The value for max_delivery_attempts is too small. "
            f"You passed {given} in the request, but the minimum value is 5."
        )
    if given > 100:
        raise out_of_range(
            "The value for max_delivery_attempts is too large. "
            f"You passed {given} in the request, but the maximum value is 100."
        )
