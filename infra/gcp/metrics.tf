locals {
  # The Cloud Run services of the functions, for filters of logs and metrics.
  service_names = join("|", [for one in values(local.functions) : one.title])
  from_functions = join(" AND ", [
    "resource.type=\"cloud_run_revision\"",
    "resource.labels.service_name=~\"^(${local.service_names})$\"",
  ])

  counted = {
    alerts = {
      description = "Log lines that raise an alert, by alert"
      filter      = "labels.alert:*"
      label       = { alert = "EXTRACT(labels.alert)" }
    }
    forgotten_uploads = {
      description = "Files whose event never arrived, loaded by the sweep"
      filter      = "jsonPayload.message=\"A forgotten upload was loaded\""
      label       = {}
    }
    put_aside = {
      description = "Events and batches that can never be processed and became dead letters"
      filter      = "jsonPayload.message=~\"moved to the dead-letter topic\""
      label       = {}
    }
    refused_calls = {
      description = "Calls refused for their token, by function"
      filter      = "jsonPayload.message=\"A call was answered\" AND jsonPayload.status=(401 OR 403)"
      label       = { function = "EXTRACT(jsonPayload.function)" }
    }
  }
}

resource "google_logging_metric" "counted" {
  for_each = local.counted

  name             = "${var.name}/${each.key}"
  description      = each.value.description
  filter           = "${local.from_functions} AND ${each.value.filter}"
  label_extractors = each.value.label

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"

    dynamic "labels" {
      for_each = each.value.label

      content {
        key        = labels.key
        value_type = "STRING"
      }
    }
  }

  depends_on = [google_project_service.used]
}
