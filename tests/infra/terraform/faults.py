"""Faults to plant in a copy of infra/gcp: where, what becomes of what, and how it must be named."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Fault:
    """A fault.

    Attributes:
        name: what is wrong.
        file: the file it is planted in.
        was: what stands there, once.
        is_now: what it becomes.
        found: what somebody must be told.
    """

    name: str
    file: str
    was: str
    is_now: str
    found: str

    def plant(self, folder: Path) -> None:
        """Put it in."""
        path = folder / self.file
        text = path.read_text("utf-8")
        assert text.count(self.was) >= 1, f"{self.file} does not say {self.was!r} any more"
        path.write_text(text.replace(self.was, self.is_now, 1), "utf-8")


# What terraform itself must find.
OF_TERRAFORM = (
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
        "google_sql_database_instance.this.name\n  # Dropping",
        "google_sql_database_instance.main.name\n  # Dropping",
        '"google_sql_database_instance" "main" has not been declared',
    ),
    Fault(
        "an attribute that is not there",
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
        "a value that the enumeration does not have",
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
        "two resources of one name",
        "events.tf",
        'resource "google_cloud_run_v2_service_iam_member" "push" {',
        'resource "google_cloud_run_v2_service_iam_member" "events" {',
        "Duplicate resource",
    ),
    Fault(
        "a resource of google-beta asked of google",
        "gateway.tf",
        "  provider = google-beta\n\n  api_id",
        "  api_id",
        'does not support resource type "google_api_gateway_api"',
    ),
    Fault(
        "a function that the language does not have",
        "locals.tf",
        "jsondecode(file",
        "decode_json(file",
        'There is no function named "decode_json"',
    ),
)

# What terraform takes, and the house does not.
OF_THE_HOUSE = (
    Fault(
        "a function open to everybody",
        "events.tf",
        "  member   = google_service_account.events.member\n}\n\nresource",
        '  member   = "allUsers"\n}\n\nresource',
        'google_cloud_run_v2_service_iam_member.events["ingest_csv"] is open to allUsers',
    ),
    Fault(
        "a bucket that could be made public",
        "storage.tf",
        'public_access_prevention    = "enforced"',
        'public_access_prevention    = "inherited"',
        'google_storage_bucket.this["uploads"] could be made public',
    ),
    Fault(
        "functions without accounts of their own",
        "functions.tf",
        "google_service_account.function[each.key].email",
        "google_service_account.builder.email",
        "shares its account with",
    ),
    Fault(
        "a push without a dead letter",
        "pubsub.tf",
        "  dead_letter_policy {\n"
        "    dead_letter_topic     = google_pubsub_topic.this[local.dead_letters].id\n"
        "    max_delivery_attempts = each.value.max_delivery_attempts\n  }\n",
        '  dynamic "dead_letter_policy" {\n'
        '    for_each = each.value.topic == "sweep" ? [] : [local.dead_letters]\n'
        "    content {\n"
        "      dead_letter_topic = google_pubsub_topic.this[dead_letter_policy.value].id\n"
        "    }\n  }\n",
        'google_pubsub_subscription.push["sweep-to-ingest-csv"] has no dead letter',
    ),
    Fault(
        "a subscription that expires",
        "pubsub.tf",
        '  expiration_policy {\n    ttl = ""\n  }\n}\n\n# It is',
        "}\n\n# It is",
        "google_pubsub_subscription.dead_letters expires after a quiet month",
    ),
    Fault(
        "an agent that may not move dead letters",
        "pubsub.tf",
        '"roles/pubsub.publisher"\n  member = google_project_service_identity.pubsub.member',
        '"roles/pubsub.publisher"\n  member = google_service_account.push.member',
        "Pub/Sub's agent may not publish to its dead letters",
    ),
    Fault(
        "a secret in plain",
        "functions.tf",
        "        GOOGLE_CLOUD_PROJECT = var.project_id",
        '        GOOGLE_CLOUD_PROJECT = var.project_id\n        DATABASE_URL = "postgresql://"',
        "gets DATABASE_URL in plain; it belongs in Secret Manager",
    ),
    Fault(
        "a misspelt variable of a function",
        "functions.tf",
        "DEAD_LETTER_TOPIC ",
        "DEADLETTER_TOPIC ",
        "ingest_csv gets DEADLETTER_TOPIC, which is no setting",
    ),
    Fault(
        "a variable that a function needs and does not get",
        "access.json",
        '"buckets": {"uploads": "user", "processed": "user", "failed": "user", "staging": "user"}',
        '"buckets": {"uploads": "user", "processed": "user", "staging": "user"}',
        "ingest_csv reads FAILED_BUCKET and does not get it",
    ),
    Fault(
        "a function that lets callers in and knows no token",
        "access.json",
        '"warehouse": "reader", "tokens": true',
        '"warehouse": "reader", "tokens": false',
        "hires_by_quarter reads TOKENS and does not get it",
    ),
    Fault(
        "a function that takes pushes and knows not whose",
        "functions.tf",
        "        PUSH_ACCOUNT  = google_service_account.push.email\n",
        "",
        "store_rows reads PUSH_ACCOUNT and does not get it",
    ),
    Fault(
        "a secret's reader who needs none",
        "secrets.tf",
        "  member    = google_service_account.deployer.member",
        "  member    = google_service_account.checker.member",
        "tablegate-checker@example.iam.gserviceaccount.com may read a secret and needs none",
    ),
    Fault(
        "a role that nobody may have",
        "bigquery.tf",
        '"roles/bigquery.jobUser"\n  member  = google_service_account',
        '"roles/owner"\n  member  = google_service_account',
        "gives roles/owner, which is not on the list",
    ),
    Fault(
        "a role for one who is not meant to have it",
        "bigquery.tf",
        'reader = "roles/bigquery.dataViewer"',
        'reader = "roles/bigquery.dataEditor"',
        "gives roles/bigquery.dataEditor, which is given elsewhere",
    ),
    Fault(
        "a database that can be deleted by mistake",
        "database.tf",
        "deletion_protection_enabled = var.database.deletion_protection",
        "deletion_protection_enabled = false",
        "google_sql_database_instance.this can be deleted by mistake",
    ),
    Fault(
        "a key of an account",
        "deploy.tf",
        'resource "google_service_account" "checker" {',
        'resource "google_service_account_key" "checker" {\n'
        "  service_account_id = google_service_account.checker.name\n}\n\n"
        'resource "google_service_account" "checker" {',
        "google_service_account_key.checker would put a secret into the state",
    ),
    Fault(
        "an account's name that is too long",
        "gateway.tf",
        'account_id   = "${var.name}-gateway"',
        'account_id   = "${var.name}-calls-through-the-gateway"',
        "has a name that Google does not take: tablegate-calls-through-the-gateway",
    ),
    Fault(
        "an unused variable",
        "variables.tf",
        'variable "lag_minutes" {',
        'variable "colour" {\n  description = "A colour."\n  type        = string\n'
        '  nullable    = false\n  default     = "red"\n}\n\nvariable "lag_minutes" {',
        "variable colour is not used",
    ),
    Fault(
        "a variable that is not described",
        "variables.tf",
        '  description = "Python of the functions."\n',
        "",
        "variable runtime is not described",
    ),
)
