"""Mistakes that terraform accepts and our rules report."""

from tests.infra.terraform.mistakes import Mistake

FOUND_BY_RULES = (
    Mistake(
        "a function that is public",
        "events.tf",
        "  member   = google_service_account.events.member\n}\n\nresource",
        '  member   = "allUsers"\n}\n\nresource',
        'google_cloud_run_v2_service_iam_member.events["ingest_csv"] is open to allUsers',
    ),
    Mistake(
        "a bucket that could be made public",
        "storage.tf",
        'public_access_prevention    = "enforced"',
        'public_access_prevention    = "inherited"',
        'google_storage_bucket.this["uploads"] could be made public',
    ),
    Mistake(
        "functions without accounts of their own",
        "functions.tf",
        "google_service_account.function[each.key].email",
        "google_service_account.builder.email",
        "shares its account with",
    ),
    Mistake(
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
    Mistake(
        "a subscription that expires",
        "pubsub.tf",
        '  expiration_policy {\n    ttl = ""\n  }\n}\n\n# Pub/Sub',
        "}\n\n# Pub/Sub",
        "google_pubsub_subscription.dead_letters expires after a quiet month",
    ),
    Mistake(
        "an agent that may not move dead letters",
        "pubsub.tf",
        '"roles/pubsub.publisher"\n  member = google_project_service_identity.pubsub.member',
        '"roles/pubsub.publisher"\n  member = google_service_account.push.member',
        "Pub/Sub's agent may not publish to its dead letters",
    ),
    Mistake(
        "a secret in plain text",
        "functions.tf",
        "        GOOGLE_CLOUD_PROJECT = var.project_id",
        '        GOOGLE_CLOUD_PROJECT = var.project_id\n        DATABASE_URL = "postgresql://"',
        "gets DATABASE_URL in plain text; it belongs in Secret Manager",
    ),
    Mistake(
        "a misspelt variable of a function",
        "functions.tf",
        "DEAD_LETTER_TOPIC ",
        "DEADLETTER_TOPIC ",
        "ingest_csv gets DEADLETTER_TOPIC, which is not a setting",
    ),
    Mistake(
        "a variable that a function needs and does not get",
        "../../functions/ingest_csv/function.json",
        '"buckets": {"uploads": "user", "processed": "user", "failed": "user", "staging": "user"}',
        '"buckets": {"uploads": "user", "processed": "user", "staging": "user"}',
        "ingest_csv reads FAILED_BUCKET and does not get it",
    ),
    Mistake(
        "a function that accepts callers and has no tokens",
        "../../functions/hires_by_quarter/function.json",
        '"tokens": true',
        '"tokens": false',
        "hires_by_quarter reads TOKENS and does not get it",
    ),
    Mistake(
        "a function that accepts pushes from any account",
        "functions.tf",
        "        PUSH_ACCOUNT  = google_service_account.push.email\n",
        "",
        "store_rows reads PUSH_ACCOUNT and does not get it",
    ),
    Mistake(
        "an account that reads a secret it does not need",
        "secrets.tf",
        "  member    = google_service_account.deployer.member",
        "  member    = google_service_account.checker.member",
        "tablegate-checker@example.iam.gserviceaccount.com may read a secret that it does not need",
    ),
    Mistake(
        "a role that is not on the list",
        "bigquery.tf",
        '"roles/bigquery.jobUser"\n  member  = google_service_account',
        '"roles/owner"\n  member  = google_service_account',
        "gives roles/owner, which is not on the list",
    ),
    Mistake(
        "a role that is given to another account",
        "bigquery.tf",
        'reader = "roles/bigquery.dataViewer"',
        'reader = "roles/bigquery.dataEditor"',
        "gives roles/bigquery.dataEditor, which another resource should give",
    ),
    Mistake(
        "a database that can be deleted by mistake",
        "database.tf",
        "deletion_protection_enabled = var.database.deletion_protection",
        "deletion_protection_enabled = false",
        "google_sql_database_instance.this can be deleted by mistake",
    ),
    Mistake(
        "a key of a service account",
        "deploy.tf",
        'resource "google_service_account" "checker" {',
        'resource "google_service_account_key" "checker" {\n'
        "  service_account_id = google_service_account.checker.name\n}\n\n"
        'resource "google_service_account" "checker" {',
        "google_service_account_key.checker would put a secret into the state",
    ),
    Mistake(
        "an account's name that is too long",
        "gateway.tf",
        'account_id   = "${var.name}-gateway"',
        'account_id   = "${var.name}-calls-through-the-gateway"',
        "has a name that Google does not accept: tablegate-calls-through-the-gateway",
    ),
    Mistake(
        "an unused variable",
        "variables.tf",
        'variable "lag_minutes" {',
        'variable "colour" {\n  description = "A colour."\n  type        = string\n'
        '  nullable    = false\n  default     = "red"\n}\n\nvariable "lag_minutes" {',
        "variable colour is not used",
    ),
    Mistake(
        "a variable that is not described",
        "variables.tf",
        '  description = "Python version of the functions."\n',
        "",
        "variable runtime is not described",
    ),
)
