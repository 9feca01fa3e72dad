"""Our own rules for the plan, which terraform does not know; each yields complaints."""

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from infra.functions import Function
from shared.settings import described
from tests.infra.terraform.roles import ALLOWED

# Variables that Google's runtime reads, not our code.
_RUNTIME_VARIABLES = {
    "LOG_EXECUTION_ID",
    "THREADS",
    "MALLOC_ARENA_MAX",
    "MALLOC_MMAP_THRESHOLD_",
    "MALLOC_TRIM_THRESHOLD_",
}
_PUBLIC = ("allUsers", "allAuthenticatedUsers")
# Each would put a secret into the state.
_FORBIDDEN_TYPES = {
    "google_service_account_key",
    "google_secret_manager_secret_version",
    "google_storage_hmac_key",
}


class Planned:
    """The resources of a plan.

    Attributes:
        outputs: terraform's outputs, by name.
    """

    def __init__(self, plan: Mapping[str, Any]) -> None:
        self._resources = plan["planned_values"]["root_module"]["resources"]
        self.outputs = {
            name: one.get("value") for name, one in plan["planned_values"]["outputs"].items()
        }

    def all(self, *types: str) -> list[tuple[str, dict[str, Any]]]:
        """Address and values of each resource of some types, or of all."""
        return [
            (one["address"], one["values"])
            for one in self._resources
            if not types or one["type"] in types
        ]

    def functions(self) -> dict[str, dict[str, Any]]:
        """The functions, by the name of their folder."""
        found = self.all("google_cloudfunctions2_function")
        return {values["build_config"][0]["entry_point"]: values for _, values in found}


def decoded(text: str) -> str:
    """The text of a base64 string."""
    return base64.b64decode(text).decode()


def complaints(
    planned: Planned, functions: tuple[Function, ...], needed: Mapping[str, set[str]]
) -> list[str]:
    """Everything in a plan that breaks a rule.

    Args:
        planned: the plan.
        functions: all functions.
        needed: the variables that each function's code reads, by its name.
    """
    rules: list[Callable[[Planned], Iterator[str]]] = [
        nothing_is_public,
        lambda found: each_function_has_its_own_account(found, functions),
        lambda found: variables_are_settings(found, needed),
        lambda found: functions_are_called_by_the_right_accounts(found, functions),
        failed_messages_become_dead_letters,
        agents_may_move_dead_letters,
        buckets_cannot_be_made_public,
        secrets_are_read_by_those_who_need_them,
        roles_are_on_the_list,
        the_database_can_be_restored,
        the_state_has_no_secrets,
        names_of_accounts_are_valid,
    ]
    return [complaint for rule in rules for complaint in rule(planned)]


def nothing_is_public(planned: Planned) -> Iterator[str]:
    """Nothing is open to everyone."""
    for address, values in planned.all():
        text = json.dumps(values)
        yield from (f"{address} is open to {name}" for name in _PUBLIC if f'"{name}"' in text)


def each_function_has_its_own_account(
    planned: Planned, functions: tuple[Function, ...]
) -> Iterator[str]:
    """Each folder has a function, and each function its own account."""
    found = planned.functions()
    for name in {one.name for one in functions} ^ set(found):
        yield f"{name} is in functions/ or in the plan, not in both"
    owners: dict[str, str] = {}
    for name, values in found.items():
        account = values["service_config"][0].get("service_account_email")
        if not account:
            yield f"{name} has no account of its own"
        elif account in owners:
            yield f"{name} shares its account with {owners[account]}"
        owners[account or name] = name


def variables_are_settings(planned: Planned, needed: Mapping[str, set[str]]) -> Iterator[str]:
    """Variables are in shared.settings, secrets come from Secret Manager, and none is missing."""
    known = {one.name.upper(): one for one in described()}
    for name, values in planned.functions().items():
        service = values["service_config"][0]
        plain = set(service["environment_variables"])
        hidden = {one["key"] for one in service["secret_environment_variables"]}
        for variable in sorted((plain | hidden) - set(known) - _RUNTIME_VARIABLES):
            yield f"{name} gets {variable}, which is not a setting"
        for variable in sorted(plain & set(known)):
            if known[variable].metadata["secret"]:
                yield f"{name} gets {variable} in plain text; it belongs in Secret Manager"
        for variable in sorted(needed[name] - plain - hidden):
            yield f"{name} reads {variable} and does not get it"


def functions_are_called_by_the_right_accounts(
    planned: Planned, functions: tuple[Function, ...]
) -> Iterator[str]:
    """Pushes and events may call the functions that take them; else only the gateway may call."""
    may_be_called: dict[str, set[str]] = {}
    for _, values in planned.all("google_cloud_run_v2_service_iam_member"):
        account = values["member"].removeprefix("serviceAccount:").split("@")[0]
        may_be_called.setdefault(values["name"], set()).add(account.rpartition("-")[2])
    for function in functions:
        callers = may_be_called.get(function.name.replace("_", "-"), set())
        if function.trigger.push and "push" not in callers:
            yield f"{function.name} takes pushes, and push may not call it"
        if function.trigger.storage_event and "events" not in callers:
            yield f"{function.name} takes events, and events may not call it"
        for other in sorted(callers - {"gateway", "push", "events"}):
            yield f"{function.name} may be called by {other}"


def failed_messages_become_dead_letters(planned: Planned) -> Iterator[str]:
    """Messages that cannot be processed become dead letters, and those are kept."""
    subscribed = {values["topic"] for _, values in planned.all("google_pubsub_subscription")}
    for address, values in planned.all("google_pubsub_subscription"):
        policy = values["dead_letter_policy"]
        if not policy and not values["topic"].endswith("dead-letters/id"):
            yield f"{address} has no dead letter"
        if policy and policy[0]["dead_letter_topic"] not in subscribed:
            yield f"{address}: no subscription to its dead letters, so they are lost"
        if [one.get("ttl") for one in values["expiration_policy"]] != [""]:
            yield f"{address} expires after a quiet month"
        if values["push_config"] and not values["push_config"][0]["oidc_token"]:
            yield f"{address} pushes without an identity"
        if values["push_config"] and not values["retry_policy"]:
            yield f"{address} retries a failing function without a pause"


def agents_may_move_dead_letters(planned: Planned) -> Iterator[str]:
    """Pub/Sub's agent may publish dead letters, and acknowledge them in their subscriptions."""
    published = planned.all("google_pubsub_topic_iam_member")
    taken = planned.all("google_pubsub_subscription_iam_member")
    may_publish = {v["topic"] for _, v in published if "agent-pubsub" in v["member"]}
    may_take = {v["subscription"] for _, v in taken if "agent-pubsub" in v["member"]}
    for address, values in planned.all("google_pubsub_subscription"):
        for policy in values["dead_letter_policy"]:
            if policy["dead_letter_topic"] not in may_publish:
                yield f"{address}: Pub/Sub's agent may not publish to its dead letters"
            if values["id"] not in may_take:
                yield f"{address}: Pub/Sub's agent may not acknowledge what it moves"


def buckets_cannot_be_made_public(planned: Planned) -> Iterator[str]:
    """No account can make a bucket public."""
    for address, values in planned.all("google_storage_bucket"):
        if values["public_access_prevention"] != "enforced":
            yield f"{address} could be made public"
        if values["uniform_bucket_level_access"] is not True:
            yield f"{address} has access lists for single objects"
        if values["name"].endswith("-backups") and not values["versioning"][0]["enabled"]:
            yield f"{address} does not keep deleted objects"


def secrets_are_read_by_those_who_need_them(planned: Planned) -> Iterator[str]:
    """The accounts that may read a secret are those that need it."""
    readers = {
        values["member"].removeprefix("serviceAccount:")
        for _, values in planned.all("google_secret_manager_secret_iam_member")
    }
    needing = {"tablegate-deployer"}
    for name, values in planned.functions().items():
        service = values["service_config"][0]
        if service["secret_environment_variables"]:
            needing.add(str(service["service_account_email"]).split("@")[0])
            if service["service_account_email"] not in readers:
                yield f"{name} may not read the secret it needs"
    for reader in sorted(readers):
        if reader.split("@")[0] not in needing:
            yield f"{reader} may read a secret that it does not need"


def roles_are_on_the_list(planned: Planned) -> Iterator[str]:
    """Every role is on the list, and granted by an address that the list allows."""
    for address, values in planned.all():
        role = values.get("role")
        if role is None:
            continue
        if role not in ALLOWED:
            yield f"{address} grants {role}, which is not on the list"
        elif not re.match(ALLOWED[role], address):
            yield f"{address} grants {role}, which only other addresses may grant"


def the_database_can_be_restored(planned: Planned) -> Iterator[str]:
    """Backups, point-in-time recovery, and no deletion by mistake."""
    for address, values in planned.all("google_sql_database_instance"):
        settings = values["settings"][0]
        backups = settings["backup_configuration"][0]
        if not (backups["enabled"] and backups["point_in_time_recovery_enabled"]):
            yield f"{address} has no backups or no point-in-time recovery"
        if not (values["deletion_protection"] and settings["deletion_protection_enabled"]):
            yield f"{address} can be deleted by mistake"
        if settings["connector_enforcement"] != "REQUIRED":
            yield f"{address} accepts connections without the connector"


def the_state_has_no_secrets(planned: Planned) -> Iterator[str]:
    """No keys, secret versions or passwords."""
    for address, values in planned.all():
        if address.split(".")[0] in _FORBIDDEN_TYPES:
            yield f"{address} would put a secret into the state"
        if values.get("password") or values.get("secret_data"):
            yield f"{address} has a password in the state"


def names_of_accounts_are_valid(planned: Planned) -> Iterator[str]:
    """Names have 6 to 30 lower-case letters, digits and hyphens, and are unique."""
    seen: set[str] = set()
    for address, values in planned.all("google_service_account"):
        name = values["account_id"]
        if not re.fullmatch(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", name):
            yield f"{address} has a name that Google does not accept: {name}"
        if name in seen:
            yield f"{address} has the name of another account: {name}"
        seen.add(name)
