"""Faults to insert into a copy of infra/gcp, and the messages that must report them."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Fault:
    """A fault.

    Attributes:
        name: what is wrong.
        file: the file to change.
        was: the text to replace.
        is_now: the text with the fault.
        found: part of the message that must report it.
    """

    name: str
    file: str
    was: str
    is_now: str
    found: str

    def insert(self, folder: Path) -> None:
        """Insert the fault into a copy."""
        path = folder / self.file
        text = path.read_text("utf-8")
        assert text.count(self.was) >= 1, f"{self.file} no longer contains {self.was!r}"
        path.write_text(text.replace(self.was, self.is_now, 1), "utf-8")


# Faults that terraform itself must find; rule_faults.py has those that only our rules find.
FAULTS = (
    Fault(
        "a misspelt argument",
        "pubsub.tf",
        "ack_deadline_seconds       = each.value",
        "ack_deadline_second        = each.value",
        'An argument named "ack_deadline_second" is not expected here. Did you mean',
    ),
    Fault(
        "a required argument missing",
        "storage.tf",
        "  location                    = var.region\n",
        "",
        'The argument "location" is required',
    ),
    Fault(
        "a dangling reference",
        "database.tf",
        "google_sql_database_instance.this.name\n  # Renaming",
        "google_sql_database_instance.main.name\n  # Renaming",
        '"google_sql_database_instance" "main" has not been declared',
    ),
    Fault(
        "an unknown attribute",
        "functions.tf",
        "google_service_account.function[each.key].email",
        "google_service_account.function[each.key].mail",
        'does not have an attribute named "mail"',
    ),
    Fault(
        "a value of the wrong type",
        "functions.tf",
        "max_instance_count               = each.value.max_instances",
        'max_instance_count               = "many"',
        'Inappropriate value for attribute "max_instance_count": a number is required.',
    ),
    Fault(
        "a value that is not in the enumeration",
        "functions.tf",
        "RETRY_POLICY_RETRY",
        "RETRY_POLICY_ALWAYS",
        "It must be one of RETRY_POLICY_UNSPECIFIED",
    ),
    Fault(
        "an undeclared variable",
        "bigquery.tf",
        "location                   = var.region",
        "location                   = var.warehouse_location",
        'An input variable with the name "warehouse_location" has not been declared',
    ),
    Fault(
        "an unknown block",
        "pubsub.tf",
        "  retry_policy {",
        "  retry {",
        'Blocks of type "retry" are not expected here.',
    ),
    Fault(
        "two resources with the same name",
        "events.tf",
        'resource "google_cloud_run_v2_service_iam_member" "push" {',
        'resource "google_cloud_run_v2_service_iam_member" "events" {',
        "Duplicate resource",
    ),
    Fault(
        "a resource of google-beta without that provider",
        "gateway.tf",
        "  provider = google-beta\n\n  api_id",
        "  api_id",
        'does not support resource type "google_api_gateway_api"',
    ),
    Fault(
        "an unknown function",
        "locals.tf",
        "jsondecode(file",
        "decode_json(file",
        'There is no function named "decode_json"',
    ),
)
