locals {
  # The environment of each function. tests/infra compares it with the settings that the function reads.
  environment = {
    for name, one in local.functions : name => merge(
      {
        GOOGLE_CLOUD_PROJECT = var.project_id
        # Google would set both, and every plan would show a difference.
        LOG_EXECUTION_ID = "true"
        THREADS          = tostring(one.concurrency)
        # Names are no secret; the roles of the account say what it may do.
        BATCHES_TOPIC      = google_pubsub_topic.this["row-batches"].name
        CHANGES_TOPIC      = google_pubsub_topic.this["table-changed"].name
        DEAD_LETTER_TOPIC  = google_pubsub_topic.this[local.dead_letters].name
        WAREHOUSE_DATASET  = google_bigquery_dataset.this["warehouse"].dataset_id
        REPORTING_DATASET  = google_bigquery_dataset.this["reporting"].dataset_id
        WAREHOUSE_LOCATION = var.region
      },
      one.database == "none" ? {} : {
        CLOUD_SQL_INSTANCE = google_sql_database_instance.this.connection_name
        CLOUD_SQL_USER     = local.database_users[name]
        CLOUD_SQL_DATABASE = google_sql_database.this.name
        DATABASE_POOL_SIZE = tostring(one.pool)
      },
      { for bucket in keys(one.buckets) : "${upper(bucket)}_BUCKET" => google_storage_bucket.this[bucket].name },
      length(one.push) == 0 && !one.scheduled ? {} : {
        PUSH_AUDIENCE = one.audience
        PUSH_ACCOUNT  = google_service_account.push.email
        # Cloud Run checks a token's signature and removes it before the function sees it.
        PUSH_CHECKED_BY_IAM = "true"
      },
      # Returns the memory of large bodies to the system; tests/platform/test_memory.py fails without it.
      one.signature == "http" ? jsondecode(file("${path.module}/../malloc.json")) : {},
      name == "ingest_csv" ? local.backfill_environment : {},
    )
  }
}

resource "google_service_account" "function" {
  for_each = local.functions

  # An account's name has at most 30 characters and does not end with a hyphen.
  account_id   = trimsuffix(substr("${var.name}-${each.value.title}", 0, 30), "-")
  display_name = "Function ${each.key}"
}

# The name contains the digest, so a deployment replaces exactly the functions whose zip has changed.
resource "google_storage_bucket_object" "package" {
  for_each = local.functions

  bucket = google_storage_bucket.this["sources"].name
  name   = "${each.key}/${var.packages[each.key]}.zip"
  source = "${var.build_folder}/${each.key}.zip"
}

resource "google_cloudfunctions2_function" "this" {
  #checkov:skip=CKV_GCP_124:The API gateway calls from outside the network; IAM admits its account only.
  for_each = local.functions

  name        = each.value.title
  location    = var.region
  description = "Tablegate: ${each.key}"

  build_config {
    runtime           = var.runtime
    entry_point       = each.key
    service_account   = google_service_account.builder.id
    docker_repository = google_artifact_registry_repository.functions.id

    source {
      storage_source {
        bucket = google_storage_bucket_object.package[each.key].bucket
        object = google_storage_bucket_object.package[each.key].name
      }
    }
  }

  service_config {
    service_account_email            = google_service_account.function[each.key].email
    available_memory                 = each.value.memory
    available_cpu                    = each.value.cpu
    timeout_seconds                  = each.value.timeout_seconds
    max_instance_request_concurrency = each.value.concurrency
    min_instance_count               = each.value.min_instances
    max_instance_count               = each.value.max_instances
    # The gateway and Pub/Sub call from outside; IAM decides who may call.
    ingress_settings               = "ALLOW_ALL"
    all_traffic_on_latest_revision = true
    environment_variables          = local.environment[each.key]

    dynamic "secret_environment_variables" {
      for_each = each.value.tokens ? [google_secret_manager_secret.tokens.secret_id] : []

      content {
        key        = "TOKENS"
        project_id = var.project_id
        secret     = secret_environment_variables.value
        version    = var.tokens_version
      }
    }
  }

  dynamic "event_trigger" {
    for_each = each.value.storage_event == null ? [] : [each.value.storage_event]

    content {
      # The region of the bucket.
      trigger_region        = var.region
      event_type            = "google.cloud.storage.object.v1.finalized"
      retry_policy          = "RETRY_POLICY_RETRY"
      service_account_email = google_service_account.events.email

      event_filters {
        attribute = "bucket"
        value     = google_storage_bucket.this[event_trigger.value].name
      }
    }
  }

  # Without these the first deployment fails: builds cannot read, instances cannot start, events cannot be received.
  depends_on = [
    google_artifact_registry_repository_iam_member.builder,
    google_project_iam_member.builder_logs,
    google_project_iam_member.builder_reads,
    google_project_iam_member.eventarc_agent,
    google_project_iam_member.events_received,
    google_project_iam_member.storage_publishes,
    google_secret_manager_secret_iam_member.function,
  ]
}

# Builds the functions. Building runs code of the installed packages, so this account may read the sources and nothing else.
resource "google_service_account" "builder" {
  account_id   = "${var.name}-builder"
  display_name = "Builds of the functions"
}

resource "google_artifact_registry_repository" "functions" {
  #checkov:skip=CKV_GCP_84:Google's keys; to use keys of your own, set kms_key_name here.
  repository_id = "${var.name}-functions"
  location      = var.region
  format        = "DOCKER"
  description   = "Images of the functions"

  cleanup_policies {
    id     = "keep-recent"
    action = "KEEP"

    most_recent_versions {
      keep_count = 5
    }
  }
  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"

    condition {
      older_than = "2592000s"
    }
  }

  depends_on = [google_project_service.used]
}

resource "google_artifact_registry_repository_iam_member" "builder" {
  repository = google_artifact_registry_repository.functions.name
  location   = var.region
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.builder.member
}

resource "google_project_iam_member" "builder_logs" {
  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = google_service_account.builder.member
}

resource "google_project_iam_member" "builder_reads" {
  project = var.project_id
  role    = "roles/storage.objectViewer"
  member  = google_service_account.builder.member

  condition {
    title      = "sources of functions only"
    expression = "resource.name.startsWith(\"projects/_/buckets/gcf-v2-sources-${local.number}-${var.region}/\") || resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.this["sources"].name}/\")"
  }
}
