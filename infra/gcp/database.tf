locals {
  # Reserved for migrations, operators and Google's maintenance.
  reserved_connections = 30
  most_connections     = sum([for one in values(local.functions) : one.max_instances * one.pool])
  # The name of an IAM user in PostgreSQL is its account without the suffix that all accounts share.
  database_users = merge(
    { for name in keys(local.with_database) : name => trimsuffix(google_service_account.function[name].email, ".gserviceaccount.com") },
    { deployer = trimsuffix(google_service_account.deployer.email, ".gserviceaccount.com") },
  )
  # The role of each user in the database; roles.sql says what each role may do.
  database_roles = merge({ for name, one in local.with_database : name => one.database }, { deployer = "owner" })
}

# The name of a deleted instance cannot be used again for a week.
resource "google_sql_database_instance" "this" {
  #checkov:skip=CKV_GCP_79:The platform is tested with a newer version than the newest that checkov knows.
  #checkov:skip=CKV_GCP_60:The public address accepts only the connector's connections: mutual TLS, no authorized network.
  #checkov:skip=CKV2_GCP_20:Point-in-time recovery is on; the check reads MySQL's name for it.
  #checkov:skip=CKV_GCP_55:log_min_messages is warning, PostgreSQL's own default.
  name                = var.name
  database_version    = var.database.version
  region              = var.region
  deletion_protection = var.database.deletion_protection

  settings {
    # The default from PostgreSQL 16 on is ENTERPRISE_PLUS, which offers other machines.
    edition                     = "ENTERPRISE"
    tier                        = var.database.tier
    availability_type           = var.database.highly_available ? "REGIONAL" : "ZONAL"
    disk_type                   = "PD_SSD"
    disk_size                   = var.database.disk_gb
    disk_autoresize             = true
    deletion_protection_enabled = var.database.deletion_protection
    # Only the connector may connect, whatever the network allows.
    connector_enforcement = "REQUIRED"

    database_flags {
      name  = "cloudsql.iam_authentication"
      value = "on"
    }
    database_flags {
      name  = "max_connections"
      value = tostring(var.database.max_connections)
    }
    database_flags {
      name  = "log_lock_waits"
      value = "on"
    }
    database_flags {
      name  = "log_checkpoints"
      value = "on"
    }
    database_flags {
      name  = "log_connections"
      value = "on"
    }
    database_flags {
      name  = "log_disconnections"
      value = "on"
    }
    database_flags {
      name  = "log_duration"
      value = "off"
    }
    # Statements contain rows, and no log may contain rows.
    database_flags {
      name  = "log_statement"
      value = "none"
    }
    database_flags {
      name  = "log_min_duration_statement"
      value = "-1"
    }
    database_flags {
      name  = "log_error_verbosity"
      value = "terse"
    }
    database_flags {
      name  = "log_min_error_statement"
      value = "panic"
    }

    ip_configuration {
      ipv4_enabled = true
      ssl_mode     = "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"
    }

    backup_configuration {
      enabled                        = true
      start_time                     = "03:00"
      location                       = var.region
      point_in_time_recovery_enabled = true
      transaction_log_retention_days = 7

      backup_retention_settings {
        retained_backups = 14
      }
    }

    insights_config {
      query_insights_enabled = true
      query_string_length    = 1024
    }

    maintenance_window {
      day          = 7
      hour         = 4
      update_track = "stable"
    }
  }

  lifecycle {
    # A disk larger than configured has grown by itself.
    ignore_changes = [settings[0].disk_size]

    precondition {
      condition     = local.most_connections + local.reserved_connections <= var.database.max_connections
      error_message = "All instances of all functions may hold ${local.most_connections} connections, and ${local.reserved_connections} are reserved: together more than the ${var.database.max_connections} of database.max_connections. Raise it, or lower max_instances or pool in sizes."
    }
  }

  depends_on = [google_project_service.used]
}

resource "google_sql_database" "this" {
  name     = var.name
  instance = google_sql_database_instance.this.name
  # Renaming something must not drop the database.
  deletion_policy = "ABANDON"
}

# No passwords: each account is a database user.
resource "google_sql_user" "function" {
  for_each = local.database_users

  instance        = google_sql_database_instance.this.name
  name            = each.value
  type            = "CLOUD_IAM_SERVICE_ACCOUNT"
  deletion_policy = "ABANDON"
}

resource "google_project_iam_member" "database_client" {
  for_each = local.with_database

  project = var.project_id
  role    = "roles/cloudsql.client"
  member  = google_service_account.function[each.key].member

  condition {
    title      = "this instance only"
    expression = "resource.service == \"sqladmin.googleapis.com\" && resource.name == \"projects/${var.project_id}/instances/${google_sql_database_instance.this.name}\""
  }
}

resource "google_project_iam_member" "database_user" {
  for_each = local.with_database

  project = var.project_id
  role    = "roles/cloudsql.instanceUser"
  member  = google_service_account.function[each.key].member

  condition {
    title      = "this instance only"
    expression = "resource.service == \"sqladmin.googleapis.com\" && resource.name == \"projects/${var.project_id}/instances/${google_sql_database_instance.this.name}\""
  }
}
