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
  # Something else in the project may use it too.
  disable_on_destroy = false
}

# Google's own accounts that act for us. Created here, so that they have their roles before they first need them.
resource "google_project_service_identity" "eventarc" {
  provider = google-beta

  service = google_project_service.used["eventarc"].service
}

resource "google_project_service_identity" "pubsub" {
  provider = google-beta

  service = google_project_service.used["pubsub"].service
}
