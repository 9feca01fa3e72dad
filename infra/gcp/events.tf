# Who may call a function; gateway.tf has the rights of the gateway.

# A new object: Cloud Storage publishes a notification, from which Eventarc makes an event and calls the function.
resource "google_service_account" "events" {
  account_id   = "${var.name}-events"
  display_name = "Events of Cloud Storage"
}

resource "google_project_iam_member" "events_received" {
  project = var.project_id
  role    = "roles/eventarc.eventReceiver"
  member  = google_service_account.events.member
}

resource "google_project_iam_member" "eventarc_agent" {
  #checkov:skip=CKV_GCP_49:Google's own role for this agent.
  project = var.project_id
  role    = "roles/eventarc.serviceAgent"
  member  = google_project_service_identity.eventarc.member
}

data "google_storage_project_service_account" "this" {
  project    = var.project_id
  depends_on = [google_project_service.used]
}

resource "google_project_iam_member" "storage_publishes" {
  project = var.project_id
  role    = "roles/pubsub.publisher"
  member  = data.google_storage_project_service_account.this.member
}

resource "google_cloud_run_v2_service_iam_member" "events" {
  for_each = { for name, one in local.functions : name => one if one.storage_event != null }

  name     = google_cloudfunctions2_function.this[each.key].name
  location = var.region
  role     = "roles/run.invoker"
  member   = google_service_account.events.member
}

resource "google_cloud_run_v2_service_iam_member" "push" {
  for_each = { for name, one in local.functions : name => one if length(one.push) > 0 || one.scheduled }

  name     = google_cloudfunctions2_function.this[each.key].name
  location = var.region
  role     = "roles/run.invoker"
  member   = google_service_account.push.member
}

resource "google_cloud_run_v2_service_iam_member" "caller" {
  for_each = { for pair in setproduct(var.callers, keys(local.with_calls)) : "${pair[1]}/${pair[0]}" => pair }

  name     = google_cloudfunctions2_function.this[each.value[1]].name
  location = var.region
  role     = "roles/run.invoker"
  member   = each.value[0]
}
