resource "google_cloud_scheduler_job" "this" {
  for_each = local.jobs

  name             = "${var.name}-${each.key}"
  region           = var.region
  schedule         = each.value.cron
  time_zone        = each.value.time_zone
  attempt_deadline = can(each.value.path) ? "1800s" : null

  retry_config {
    retry_count          = 3
    min_backoff_duration = "30s"
    max_backoff_duration = "600s"
  }

  dynamic "pubsub_target" {
    for_each = can(each.value.topic) ? [each.value.topic] : []

    content {
      topic_name = google_pubsub_topic.this[pubsub_target.value].id
      # A function that takes events rejects a message without data.
      data       = base64encode("{}")
      attributes = { schedule = each.key }
    }
  }

  dynamic "http_target" {
    for_each = can(each.value.path) ? [each.value] : []

    content {
      uri         = "${google_cloudfunctions2_function.this[http_target.value.function].service_config[0].uri}${http_target.value.path}"
      http_method = http_target.value.method
      body        = base64encode(jsonencode(http_target.value.body))
      headers     = { "Content-Type" = "application/json" }

      oidc_token {
        service_account_email = google_service_account.push.email
        audience              = local.functions[http_target.value.function].audience
      }
    }
  }

  depends_on = [google_cloud_run_v2_service_iam_member.push]
}
