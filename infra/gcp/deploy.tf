locals {
  # A deployment creates everything in this folder, and runs from the main branch only.
  deployer_roles = toset([
    "roles/apigateway.admin", "roles/artifactregistry.admin", "roles/bigquery.admin", "roles/cloudfunctions.admin",
    "roles/cloudscheduler.admin", "roles/cloudsql.admin", "roles/cloudsql.instanceUser", "roles/eventarc.admin",
    "roles/iam.serviceAccountAdmin", "roles/iam.serviceAccountUser", "roles/logging.configWriter",
    "roles/logging.logWriter", "roles/monitoring.editor", "roles/pubsub.admin", "roles/resourcemanager.projectIamAdmin",
    "roles/run.admin", "roles/secretmanager.admin", "roles/servicemanagement.admin",
    "roles/serviceusage.serviceUsageAdmin", "roles/storage.admin",
  ])
  # The check of an unmerged branch reads what a plan compares, and no row, message or secret. Google's basic role
  # Viewer would let it read the objects of every bucket.
  checker_roles = toset([
    "roles/apigateway.viewer", "roles/artifactregistry.reader", "roles/bigquery.metadataViewer", "roles/browser",
    "roles/cloudfunctions.viewer", "roles/cloudscheduler.viewer", "roles/cloudsql.viewer", "roles/eventarc.viewer",
    "roles/iam.securityReviewer", "roles/iam.serviceAccountViewer", "roles/logging.logWriter", "roles/logging.viewer",
    "roles/monitoring.viewer", "roles/pubsub.viewer", "roles/run.viewer", "roles/secretmanager.viewer",
    "roles/serviceusage.serviceUsageViewer", "roles/storage.bucketViewer",
  ])
}

resource "google_service_account" "deployer" {
  account_id   = "${var.name}-deployer"
  display_name = "Deployments from the main branch"
}

resource "google_service_account" "checker" {
  account_id   = "${var.name}-checker"
  display_name = "Checks of branches and pull requests"
}

resource "google_project_iam_member" "deployer" {
  #checkov:skip=CKV_GCP_41:A deployment acts as the functions' accounts, which it creates.
  #checkov:skip=CKV_GCP_49:A deployment gives the functions' accounts their roles.
  for_each = local.deployer_roles

  project = var.project_id
  role    = each.value
  member  = google_service_account.deployer.member
}

resource "google_project_iam_member" "checker" {
  for_each = local.checker_roles

  project = var.project_id
  role    = each.value
  member  = google_service_account.checker.member
}

resource "google_storage_bucket_iam_member" "checker" {
  bucket = google_storage_bucket.this["sources"].name
  role   = local.storage_roles.viewer
  member = google_service_account.checker.member
}
