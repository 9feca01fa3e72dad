locals {
  services = toset([
    "apigateway", "artifactregistry", "bigquery", "cloudbuild", "cloudfunctions", "cloudresourcemanager", "cloudscheduler", "dataflow", "eventarc", "iam",
    "logging", "monitoring", "pubsub", "run", "secretmanager", "servicecontrol", "servicemanagement", "sqladmin",
    "storage",
  ])
}

resource "google_project_service" "used" {
  for_each = local.services

  service = "${each.key}.googleapis.com"
  # Others in the project may use it too.
  disable_on_destroy = false
}

# Google's own accounts, which act for us: made here, so that roles can be given before they are first needed.
resource "google_project_service_identity" "eventarc" {
  provider = google-beta

  service = google_project_service.used["eventarc"].service
}

resource "google_project_service_identity" "pubsub" {
  provider = google-beta

  service = google_project_service.used["pubsub"].service
}
