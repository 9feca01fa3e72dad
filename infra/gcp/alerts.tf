locals {
  guide = "What each alert means, in infra/gcp/README.md, says what to do."

  # Alerts on a log line need no metric of ours: Google refuses an alert on a metric that is a few minutes old.
  logged = {
    backup-failed = {
      severity = "ERROR"
      meaning  = "A scheduled backup failed, or expired backups could not be deleted."
      filter   = "${local.from_functions} AND labels.alert=\"backup-failed\""
    }
    backup-damaged = {
      severity = "CRITICAL"
      meaning  = "A backup was read again and differs from what was written."
      filter   = "${local.from_functions} AND labels.alert=\"backup-damaged\""
    }
    backup-without-manifest = {
      severity = "WARNING"
      meaning  = "An Avro file in the backups bucket has lost its manifest, or its backup was interrupted."
      filter   = "${local.from_functions} AND labels.alert=\"backup-without-manifest\""
    }
    warehouse-differs = {
      severity = "ERROR"
      meaning  = "BigQuery and PostgreSQL hold different rows."
      filter   = "${local.from_functions} AND labels.alert=\"warehouse-differs\""
    }
    forgotten-upload = {
      severity = "WARNING"
      meaning  = "The event of a file never arrived; the sweep loaded the file."
      filter   = "${local.from_functions} AND jsonPayload.message=\"A forgotten upload was loaded\""
    }
    schedule-failed = {
      severity = "ERROR"
      meaning  = "A call of Cloud Scheduler failed: a backup, a comparison or a sweep did not run."
      filter   = "resource.type=\"cloud_scheduler_job\" AND resource.labels.job_id=~\"^${var.name}-\" AND severity>=ERROR"
    }
  }

  # Alerts on Google's own metrics.
  measured = {
    dead-letters = {
      severity  = "ERROR"
      meaning   = "A message could not be processed and is in the dead-letter topic."
      filter    = "resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"${google_pubsub_subscription.dead_letters.name}\" AND metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\""
      above     = 0
      lasting   = "0s"
      aligner   = "ALIGN_MAX"
      reducer   = "REDUCE_SUM"
      out_of    = null
      group_by  = []
      condition = "Dead letters"
    }
    lag = {
      severity  = "ERROR"
      meaning   = "Messages have waited longer than ${var.lag_minutes} minutes: rows are not stored, or BigQuery is behind."
      filter    = "resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=monitoring.regex.full_match(\"${join("|", [for one in values(google_pubsub_subscription.push) : one.name])}\") AND metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\""
      above     = var.lag_minutes * 60
      lasting   = "0s"
      aligner   = "ALIGN_MAX"
      reducer   = "REDUCE_MAX"
      out_of    = null
      group_by  = ["resource.labels.subscription_id"]
      condition = "Oldest message"
    }
    error-rate = {
      severity  = "ERROR"
      meaning   = "More than 5% of the calls of a function fail."
      filter    = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=monitoring.regex.full_match(\"${local.service_names}\") AND metric.type=\"run.googleapis.com/request_count\" AND metric.labels.response_code_class=\"5xx\""
      above     = 0.05
      lasting   = "300s"
      aligner   = "ALIGN_RATE"
      reducer   = "REDUCE_SUM"
      out_of    = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=monitoring.regex.full_match(\"${local.service_names}\") AND metric.type=\"run.googleapis.com/request_count\""
      group_by  = ["resource.labels.service_name"]
      condition = "Share of calls that fail"
    }
    database-connections = {
      severity  = "WARNING"
      meaning   = "80% of the database's connections are in use."
      filter    = "resource.type=\"cloudsql_database\" AND resource.labels.database_id=\"${var.project_id}:${google_sql_database_instance.this.name}\" AND metric.type=\"cloudsql.googleapis.com/database/postgresql/num_backends\""
      above     = floor(var.database.max_connections * 0.8)
      lasting   = "300s"
      aligner   = "ALIGN_MAX"
      reducer   = "REDUCE_SUM"
      out_of    = null
      group_by  = []
      condition = "Connections"
    }
    database-disk = {
      severity  = "WARNING"
      meaning   = "The database's disk is 90% full. It grows by itself, and so does the bill."
      filter    = "resource.type=\"cloudsql_database\" AND resource.labels.database_id=\"${var.project_id}:${google_sql_database_instance.this.name}\" AND metric.type=\"cloudsql.googleapis.com/database/disk/utilization\""
      above     = 0.9
      lasting   = "300s"
      aligner   = "ALIGN_MAX"
      reducer   = "REDUCE_MAX"
      out_of    = null
      group_by  = []
      condition = "Disk"
    }
  }

  channels = [for one in google_monitoring_notification_channel.email : one.id]
}

resource "google_monitoring_notification_channel" "email" {
  for_each = var.alert_emails

  display_name = each.value
  type         = "email"
  labels       = { email_address = each.value }
}

resource "google_monitoring_alert_policy" "logged" {
  for_each = local.logged

  display_name          = "${var.name}: ${each.key}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = local.channels

  conditions {
    display_name = each.value.meaning

    condition_matched_log {
      filter = each.value.filter
    }
  }

  documentation {
    content   = "${each.value.meaning} ${local.guide}"
    mime_type = "text/markdown"
  }

  alert_strategy {
    auto_close = "86400s"

    notification_rate_limit {
      period = "3600s"
    }
  }

  depends_on = [google_project_service.used]
}

resource "google_monitoring_alert_policy" "measured" {
  for_each = local.measured

  display_name          = "${var.name}: ${each.key}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = local.channels

  conditions {
    display_name = each.value.condition

    condition_threshold {
      filter             = each.value.filter
      denominator_filter = each.value.out_of
      comparison         = "COMPARISON_GT"
      threshold_value    = each.value.above
      duration           = each.value.lasting

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = each.value.aligner
        cross_series_reducer = each.value.reducer
        group_by_fields      = each.value.group_by
      }

      dynamic "denominator_aggregations" {
        for_each = each.value.out_of == null ? [] : [each.value]

        content {
          alignment_period     = "300s"
          per_series_aligner   = denominator_aggregations.value.aligner
          cross_series_reducer = denominator_aggregations.value.reducer
          group_by_fields      = denominator_aggregations.value.group_by
        }
      }
    }
  }

  documentation {
    content   = "${each.value.meaning} ${local.guide}"
    mime_type = "text/markdown"
  }

  alert_strategy {
    auto_close = "86400s"
  }

  depends_on = [google_project_service.used]
}
