# The hashes of the tokens. An operator adds the value (README.md), so it never reaches Terraform or its state.
resource "google_secret_manager_secret" "tokens" {
  secret_id           = "${var.name}-tokens"
  deletion_protection = false

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }

  depends_on = [google_project_service.used]
}

resource "google_secret_manager_secret_iam_member" "function" {
  for_each = local.with_tokens

  secret_id = google_secret_manager_secret.tokens.id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.function[each.key].member
}

# A token with the scope metrics only, for the smoke test after a deployment.
resource "google_secret_manager_secret" "smoke_token" {
  secret_id           = "${var.name}-smoke-token"
  deletion_protection = false

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }

  depends_on = [google_project_service.used]
}

resource "google_secret_manager_secret_iam_member" "smoke" {
  secret_id = google_secret_manager_secret.smoke_token.id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.deployer.member
}
