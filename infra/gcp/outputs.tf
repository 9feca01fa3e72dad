output "platform" {
  description = "What a client needs to know; platform.json on one machine says the same."
  value = {
    gateway = "https://${google_api_gateway_gateway.this.default_hostname}"
    storage = { for key in ["uploads", "processed", "failed", "backups"] : key => google_storage_bucket.this[key].name }
    database = {
      instance = google_sql_database_instance.this.connection_name
      name     = google_sql_database.this.name
    }
    bigquery = {
      project   = var.project_id
      dataset   = google_bigquery_dataset.this["warehouse"].dataset_id
      reporting = google_bigquery_dataset.this["reporting"].dataset_id
      location  = var.region
    }
    pubsub = { project = var.project_id }
  }
}

output "database_roles" {
  description = "SQL that gives each account its role in the database. An operator runs it once, and again after adding or removing a function."
  value = templatefile("${path.module}/roles.sql", {
    users = { for name, user in local.database_users : user => local.database_roles[name] }
  })
}

output "deployer" {
  description = "Environment variables, for a shell, of the commands that a deployment runs besides Terraform: migrations, rights, tables and views of the warehouse."
  value = join("\n", [
    for name, value in {
      GOOGLE_CLOUD_PROJECT = var.project_id
      CLOUD_SQL_INSTANCE   = google_sql_database_instance.this.connection_name
      CLOUD_SQL_DATABASE   = google_sql_database.this.name
      CLOUD_SQL_USER       = local.database_users["deployer"]
      WAREHOUSE_DATASET    = google_bigquery_dataset.this["warehouse"].dataset_id
      REPORTING_DATASET    = google_bigquery_dataset.this["reporting"].dataset_id
      WAREHOUSE_LOCATION   = var.region
    } : "${name}=${value}"
  ])
}

output "functions" {
  description = "Address of each function, for callers who may bypass the gateway."
  value       = { for name, one in google_cloudfunctions2_function.this : name => one.service_config[0].uri }
}
