locals {
  # days: age at which objects are deleted; versions_days: at which replaced and deleted versions are; 0 is never.
  # undelete_days: how long a deleted object can be restored.
  buckets = {
    uploads   = { days = 0, versions_days = 0, undelete_days = 7 }
    processed = { days = var.keep_days.processed, versions_days = 0, undelete_days = 7 }
    failed    = { days = var.keep_days.failed, versions_days = 0, undelete_days = 7 }
    staging   = { days = var.keep_days.staging, versions_days = 0, undelete_days = 0 }
    # The platform itself expires backups: it never deletes a table's last good one.
    backups = { days = 0, versions_days = var.keep_days.deleted_backups, undelete_days = 7 }
    sources = { days = 0, versions_days = 0, undelete_days = 0 }
  }
  storage_roles = {
    user    = "roles/storage.objectUser"
    viewer  = "roles/storage.objectViewer"
    creator = "roles/storage.objectCreator"
  }
}

resource "google_storage_bucket" "this" {
  #checkov:skip=CKV_GCP_62:Cloud Audit Logs record who reads what, if the project turns them on; see README.md.
  #checkov:skip=CKV_GCP_78:Only backups are versioned: what was loaded or staged exists elsewhere too.
  for_each = local.buckets

  name                        = "${var.project_id}-${var.name}-${each.key}"
  location                    = var.region
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false

  versioning {
    enabled = each.value.versions_days > 0
  }

  soft_delete_policy {
    retention_duration_seconds = each.value.undelete_days * 86400
  }

  dynamic "lifecycle_rule" {
    for_each = each.value.days > 0 ? [each.value.days] : []

    content {
      action {
        type = "Delete"
      }
      condition {
        age = lifecycle_rule.value
      }
    }
  }

  dynamic "lifecycle_rule" {
    for_each = each.value.versions_days > 0 ? [each.value.versions_days] : []

    content {
      action {
        type = "Delete"
      }
      condition {
        days_since_noncurrent_time = lifecycle_rule.value
        with_state                 = "ARCHIVED"
      }
    }
  }

  # Interrupted uploads are invisible and cost money.
  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 7
    }
  }

  depends_on = [google_project_service.used]
}

resource "google_storage_bucket_iam_member" "function" {
  for_each = local.bucket_grants

  bucket = google_storage_bucket.this[each.value.bucket].name
  role   = local.storage_roles[each.value.grant]
  member = google_service_account.function[each.value.function].member
}

resource "google_storage_bucket_iam_member" "uploader" {
  for_each = var.uploaders

  bucket = google_storage_bucket.this["uploads"].name
  role   = local.storage_roles.creator
  member = each.value
}
