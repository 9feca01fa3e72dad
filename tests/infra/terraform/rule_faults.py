"""Faults that terraform accepts and our own rules find."""

from tests.infra.terraform.terraform_faults import Fault

FAULTS = (
    Fault(
        "a function open to everyone",
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
        "functions that share an account",
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
        '  expiration_policy {\n    ttl = ""\n  }\n}\n\n# Pub/Sub',
        "}\n\n# Pub/Sub",
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
        "a secret in plain text",
        "functions.tf",
        "        GOOGLE_CLOUD_PROJECT = var.project_id",
        '        GOOGLE_CLOUD_PROJECT = var.project_id\n        DATABASE_URL = "postgresql://"',
        "gets DATABASE_URL in plain text; it belongs in Secret Manager",
    ),
    Fault(
        "a misspelt variable of a function",
        "functions.tf",
        "DEAD_LETTER_TOPIC ",
        "DEADLETTER_TOPIC ",
        "ingest_csv gets DEADLETTER_TOPIC, which is not a setting",
    ),
    Fault(
        "a variable that a function needs and does not get",
        "../../functions/ingest_csv/function.json",
        '"buckets": {"uploads": "user", "processed": "user", "failed": "user", "staging": "user"}',
        '"buckets": {"uploads": "user", "processed": "user", "staging": "user"}',
        "ingest_csv reads FAILED_BUCKET and does not get it",
    ),
    Fault(
        "a function that lets callers in and knows no token",
        "../../functions/hires_by_quarter/function.json",
        '"tokens": true',
        '"tokens": false',
        "hires_by_quarter reads TOKENS and does not get it",
    ),
    Fault(
        "a function that takes pushes without checking the account",
        "functions.tf",
        "        PUSH_ACCOUNT  = google_service_account.push.email\n",
        "",
        "store_rows reads PUSH_ACCOUNT and does not get it",
    ),
    Fault(
        "an account that may read a secret it does not need",
        "secrets.tf",
        "  member    = google_service_account.deployer.member",
        "  member    = google_service_account.checker.member",
        "tablegate-checker@example.iam.gserviceaccount.com may read a secret that it does not need",
    ),
    Fault(
        "a role that is not on the list",
        "bigquery.tf",
        '"roles/bigquery.jobUser"\n  member  = google_service_account',
        '"roles/owner"\n  member  = google_service_account',
        "grants roles/owner, which is not on the list",
    ),
    Fault(
        "a role granted in the wrong place",
        "bigquery.tf",
        'reader = "roles/bigquery.dataViewer"',
        'reader = "roles/bigquery.dataEditor"',
        "grants roles/bigquery.dataEditor, which only other addresses may grant",
    ),
    Fault(
        "a database that can be deleted by mistake",
        "database.tf",
        "deletion_protection_enabled = var.database.deletion_protection",
        "deletion_protection_enabled = false",
        "google_sql_database_instance.this can be deleted by mistake",
    ),
    Fault(
        "a key for an account",
        "deploy.tf",
        'resource "google_service_account" "checker" {',
        'resource "google_service_account_key" "checker" {\n'
        "  service_account_id = google_service_account.checker.name\n}\n\n"
        'resource "google_service_account" "checker" {',
        "google_service_account_key.checker would put a secret into the state",
    ),
    Fault(
        "a name of an account that is too long",
        "gateway.tf",
        'account_id   = "${var.name}-gateway"',
        'account_id   = "${var.name}-calls-through-the-gateway"',
        "has a name that Google does not accept: tablegate-calls-through-the-gateway",
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
        "a variable without a description",
        "variables.tf",
        '  description = "Python version of the functions."\n',
        "",
        "variable runtime has no description",
    ),
)
