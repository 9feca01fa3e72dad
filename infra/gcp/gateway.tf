locals {
  # `python -m infra.release` derives the document from the functions' routes; Terraform adds the functions' addresses.
  gateway_document = jsondecode(file("${var.build_folder}/gateway.json"))
  gateway_backends = toset(keys(local.gateway_document["x-google-api-management"].backends))
  gateway_config = merge(local.gateway_document, {
    "x-google-api-management" = {
      backends = {
        for name, backend in local.gateway_document["x-google-api-management"].backends : name => merge(backend, {
          address     = google_cloudfunctions2_function.this[name].service_config[0].uri
          jwtAudience = google_cloudfunctions2_function.this[name].service_config[0].uri
        })
      }
    }
  })
}

# The account with which the gateway calls functions. The gateway is open to the Internet; each call carries a token.
resource "google_service_account" "gateway" {
  account_id   = "${var.name}-gateway"
  display_name = "Calls through the API gateway"
}

resource "google_cloud_run_v2_service_iam_member" "gateway" {
  for_each = local.gateway_backends

  name     = google_cloudfunctions2_function.this[each.key].name
  location = var.region
  role     = "roles/run.invoker"
  member   = google_service_account.gateway.member
}

resource "google_api_gateway_api" "this" {
  provider = google-beta

  api_id       = var.name
  display_name = "Tablegate"

  depends_on = [google_project_service.used]
}

resource "google_api_gateway_api_config" "this" {
  provider = google-beta

  api = google_api_gateway_api.this.api_id
  # A configuration cannot be changed: Terraform creates a new one, moves the gateway to it and deletes the old one.
  api_config_id_prefix = "${var.name}-"
  display_name         = "Tablegate"

  openapi_documents {
    document {
      path     = "gateway.json"
      contents = base64encode(jsonencode(local.gateway_config))
    }
  }

  gateway_config {
    backend_config {
      google_service_account = google_service_account.gateway.email
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_api_gateway_gateway" "this" {
  provider = google-beta

  gateway_id   = var.name
  region       = var.gateway_region
  api_config   = google_api_gateway_api_config.this.id
  display_name = "Tablegate"
}
