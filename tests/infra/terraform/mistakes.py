"""Mistakes to plant in a copy of infra/gcp, and the errors that must report them."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mistake:
    """A mistake in one file.

    Attributes:
        name: what is wrong.
        file: the file it is planted in.
        before: the correct text.
        after: the text with the mistake.
        reported: a part of the error that must report it.
    """

    name: str
    file: str
    before: str
    after: str
    reported: str

    def plant(self, folder: Path) -> None:
        """Write the mistake into a copy of infra/gcp."""
        path = folder / self.file
        text = path.read_text("utf-8")
        assert text.count(self.before) >= 1, f"{self.file} no longer contains {self.before!r}"
        path.write_text(text.replace(self.before, self.after, 1), "utf-8")


# Terraform itself must find these; our rules find those in mistakes_against_rules.py.
FOUND_BY_TERRAFORM = (
    Mistake(
        "a misspelt argument",
        "pubsub.tf",
        "ack_deadline_seconds       = each.value",
        "ack_deadline_second        = each.value",
        'An argument named "ack_deadline_second" is not expected here. Did you mean',
    ),
    Mistake(
        "a required argument missing",
        "storage.tf",
        "  location                    = var.region\n",
        "",
        'The argument "location" is required',
    ),
    Mistake(
        "a dangling reference",
        "database.tf",
        "google_sql_database_instance.this.name\n  # Renaming",
        "google_sql_database_instance.main.name\n  # Renaming",
        '"google_sql_database_instance" "main" has not been declared',
    ),
    Mistake(
        "an attribute that is not there",
        "functions.tf",
        "google_service_account.function[each.key].email",
        "google_service_account.function[each.key].mail",
        'does not have an attribute named "mail"',
    ),
    Mistake(
        "a value of the wrong type",
        "functions.tf",
        "max_instance_count               = each.value.max_instances",
        'max_instance_count               = "many"',
        'Inappropriate value for attribute "max_instance_count": a number is required.',
    ),
    Mistake(
        "a value that the enumeration does not have",
        "functions.tf",
        "RETRY_POLICY_RETRY",
        "RETRY_POLICY_ALWAYS",
        "It must be one of RETRY_POLICY_UNSPECIFIED",
    ),
    Mistake(
        "an undeclared variable",
        "bigquery.tf",
        "location                   = var.region",
        "location                   = var.warehouse_location",
        'An input variable with the name "warehouse_location" has not been declared',
    ),
    Mistake(
        "an unknown block",
        "pubsub.tf",
        "  retry_policy {",
        "  retry {",
        'Blocks of type "retry" are not expected here.',
    ),
    Mistake(
        "two resources of one name",
        "events.tf",
        'resource "google_cloud_run_v2_service_iam_member" "push" {',
        'resource "google_cloud_run_v2_service_iam_member" "events" {',
        "Duplicate resource",
    ),
    Mistake(
        "a resource of google-beta asked of google",
        "gateway.tf",
        "  provider = google-beta\n\n  api_id",
        "  api_id",
        'does not support resource type "google_api_gateway_api"',
    ),
    Mistake(
        "a function that the language does not have",
        "locals.tf",
        "jsondecode(file",
        "decode_json(file",
        'There is no function named "decode_json"',
    ),
)
