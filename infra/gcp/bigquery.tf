locals {
  datasets = { warehouse = var.name, reporting = "${var.name}_reporting" }
  dataset_roles = {
    reader = "roles/bigquery.dataViewer"
    writer = "roles/bigquery.dataEditor"
  }
  dataset_grants = merge([
    for name, one in local.with_warehouse : {
      for key in keys(local.datasets) : "${name}/${key}" => { function = name, dataset = key, role = local.dataset_roles[one.warehouse] }
    }
  ]...)
}

# `python -m shared.warehouse apply` creates tables and views, as on one machine. It adds and fills the columns that the
# dictionary gains; Terraform would drop the tables and create them again.
resource "google_bigquery_dataset" "this" {
  #checkov:skip=CKV_GCP_81:Google's keys; to use keys of your own, set default_encryption_configuration here.
  for_each = local.datasets

  dataset_id                 = each.value
  location                   = var.region
  description                = "Tablegate: ${each.key}"
  delete_contents_on_destroy = false
  max_time_travel_hours      = 168

  depends_on = [google_project_service.used]
}

resource "google_bigquery_dataset_iam_member" "function" {
  for_each = local.dataset_grants

  dataset_id = google_bigquery_dataset.this[each.value.dataset].dataset_id
  role       = each.value.role
  member     = google_service_account.function[each.value.function].member
}

# BigQuery reads a view with the rights of its reader, who therefore needs the tables behind it too.
resource "google_bigquery_dataset_iam_member" "analyst" {
  for_each = { for pair in setproduct(var.analysts, keys(local.datasets)) : "${pair[0]}/${pair[1]}" => pair }

  dataset_id = google_bigquery_dataset.this[each.value[1]].dataset_id
  role       = local.dataset_roles.reader
  member     = each.value[0]
}

resource "google_project_iam_member" "analyst_queries" {
  for_each = var.analysts

  project = var.project_id
  role    = "roles/bigquery.jobUser"
  member  = each.value
}

resource "google_project_iam_member" "query" {
  for_each = local.with_warehouse

  project = var.project_id
  role    = "roles/bigquery.jobUser"
  member  = google_service_account.function[each.key].member
}
