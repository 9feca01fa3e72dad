locals {
  backfills = var.backfill.template == "" ? toset([]) : toset(["ingest_csv"])
  backfill_environment = var.backfill.template == "" ? {} : merge(
    { DATAFLOW_TEMPLATE = var.backfill.template, DATAFLOW_REGION = var.region },
    var.backfill.image == "" ? {} : { DATAFLOW_IMAGE = var.backfill.image },
  )
}

# Dataflow loads files that are too large for one call. Its job runs as the account of ingest_csv, which the database knows.
resource "google_project_iam_member" "backfill_launches" {
  #checkov:skip=CKV_GCP_49:A job runs as the account that launches it, and as no other.
  for_each = local.backfills

  project = var.project_id
  role    = "roles/dataflow.developer"
  member  = google_service_account.function[each.key].member
}

resource "google_project_iam_member" "backfill_works" {
  for_each = local.backfills

  project = var.project_id
  role    = "roles/dataflow.worker"
  member  = google_service_account.function[each.key].member
}

resource "google_service_account_iam_member" "backfill_acts_as_itself" {
  for_each = local.backfills

  service_account_id = google_service_account.function[each.key].name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.function[each.key].member
}

resource "google_artifact_registry_repository_iam_member" "backfill_reads_its_image" {
  for_each = local.backfills

  repository = google_artifact_registry_repository.functions.name
  location   = var.region
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.function[each.key].member
}

# The template is in the same bucket as the functions' zips.
resource "google_storage_bucket_iam_member" "backfill_reads_its_template" {
  for_each = local.backfills

  bucket = google_storage_bucket.this["sources"].name
  role   = local.storage_roles.viewer
  member = google_service_account.function[each.key].member
}
