locals {
  # A deployment makes everything in this folder; it runs nothing else, and from the main branch alone.
  deployer_roles = toset([
    "roles/apigateway.admin", "roles/artifactregistry.admin", "roles/bigquery.admin", "roles/cloudfunctions.admin",
    "roles/cloudscheduler.admin", "roles/cloudsql.admin", "roles/cloudsql.instanceUser", "roles/eventarc.admin",
    "roles/iam.serviceAccountAdmin", "roles/iam.serviceAccountUser", "roles/logging.configWriter",
    "roles/logging.logWriter", "roles/monitoring.editor", "roles/pubsub.admin", "roles/resourcemanager.projectIamAdmin",
    "roles/run.admin", "roles/secretmanager.admin", "roles/servicemanagement.admin",
    "roles/serviceusage.serviceUsageAdmin", "roles/storage.admin",
  ])
  # A check of a branch that is not merged yet reads, and changes nothing.
  checker_roles = toset(["roles/iam.securityReviewer", "roles/logging.logWriter", "roles/viewer"])
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
  #checkov:skip=CKV_GCP_41:A deployment acts as the functions' accounts, which it makes.
  #checkov:skip=CKV_GCP_49:A deployment gives the functions' accounts their roles.
  for_each = local.deployer_roles

  project = var.project_id
  role    = each.value
  member  = google_service_account.deployer.member
}

resource "google_project_iam_member" "checker" {
  #checkov:skip=CKV_GCP_117:A plan reads everything that these files make; the role reads no secret and no object.
  for_each = local.checker_roles

  project = var.project_id
  role    = each.value
  member  = google_service_account.checker.member
}
