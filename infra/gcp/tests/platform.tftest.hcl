# Terraform's own tests: `terraform test -var-file=../../build/release.tfvars.json`. Mocks stand in for Google.

mock_provider "google" {}

mock_provider "google-beta" {}

variables {
  project_id = "example-project"
}

run "everything_is_created" {
  command = apply

  assert {
    condition     = length(google_cloudfunctions2_function.this) == length(fileset("${path.module}/../../functions", "*/main.py"))
    error_message = "Each folder in functions/ is a function."
  }

  assert {
    condition     = length(distinct([for one in google_cloudfunctions2_function.this : one.name])) == length(google_service_account.function)
    error_message = "Each function has its own account."
  }

  assert {
    condition     = output.platform.storage.uploads == "example-project-tablegate-uploads"
    error_message = "The outputs name the buckets as platform.json does."
  }

  assert {
    condition     = alltrue([for one in google_pubsub_subscription.push : one.dead_letter_policy[0].max_delivery_attempts >= 5])
    error_message = "Every push subscription has a limit of attempts, after which a message becomes a dead letter."
  }
}

run "more_connections_than_the_database_has_are_an_error" {
  command = plan

  variables {
    database = { max_connections = 100 }
  }

  expect_failures = [google_sql_database_instance.this]
}

run "a_larger_function_counts_too" {
  command = plan

  variables {
    sizes = { store_rows = { max_instances = 40 } }
  }

  expect_failures = [google_sql_database_instance.this]
}

run "callers_cannot_be_everybody" {
  command = plan

  variables {
    callers = ["allUsers"]
  }

  expect_failures = [var.callers]
}

run "uploaders_cannot_be_everybody" {
  command = plan

  variables {
    uploaders = ["allAuthenticatedUsers"]
  }

  expect_failures = [var.uploaders]
}

run "a_digest_is_a_digest" {
  command = plan

  variables {
    packages = { ingest_csv = "latest" }
  }

  expect_failures = [var.packages]
}

run "sizes_name_only_functions_that_exist" {
  command = plan

  variables {
    sizes = { ingest = { memory = "2Gi" } }
  }

  expect_failures = [var.sizes]
}

run "principals_are_named_one_by_one" {
  command = plan

  variables {
    callers   = ["group:operators@example.com"]
    uploaders = ["serviceAccount:erp@example-project.iam.gserviceaccount.com"]
    analysts  = ["domain:example.com"]
  }

  assert {
    condition = toset([for key in keys(google_cloud_run_v2_service_iam_member.caller) : split("/", key)[0]]) == setsubtract(
      keys(google_cloudfunctions2_function.this), ["ingest_csv", "store_rows"]
    )
    error_message = "A caller may call the functions that answer calls, not those that take pushes and events only."
  }
}
