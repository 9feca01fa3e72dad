# terraform's own test: `terraform test -var-file=../../build/release.tfvars.json`. Google is played by mocks.

mock_provider "google" {}

mock_provider "google-beta" {}

variables {
  project_id = "example-project"
}

run "everything_is_made" {
  command = apply

  assert {
    condition     = length(google_cloudfunctions2_function.this) == length(fileset("${path.module}/../../functions", "*/main.py"))
    error_message = "Each folder of functions/ is a function."
  }

  assert {
    condition     = length(distinct([for one in google_cloudfunctions2_function.this : one.name])) == length(google_service_account.function)
    error_message = "Each function has an account of its own."
  }

  assert {
    condition     = output.platform.storage.uploads == "example-project-tablegate-uploads"
    error_message = "The outputs name the buckets as platform.json does."
  }

  assert {
    condition     = alltrue([for one in google_pubsub_subscription.push : one.dead_letter_policy[0].max_delivery_attempts >= 5])
    error_message = "Every push gives up on a message at some point, and puts it with the dead letters."
  }
}

run "more_connections_than_the_database_has_are_refused" {
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

run "everybody_is_no_caller" {
  command = plan

  variables {
    callers = ["allUsers"]
  }

  expect_failures = [var.callers]
}

run "everybody_is_no_uploader" {
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

run "a_function_that_is_not_there_has_no_size" {
  command = plan

  variables {
    sizes = { ingest = { memory = "2Gi" } }
  }

  expect_failures = [var.sizes]
}

run "people_are_named_one_by_one" {
  command = plan

  variables {
    callers   = ["group:operators@example.com"]
    uploaders = ["serviceAccount:erp@example-project.iam.gserviceaccount.com"]
    analysts  = ["domain:example.com"]
  }

  assert {
    condition     = length(google_cloud_run_v2_service_iam_member.caller) == length(google_cloudfunctions2_function.this)
    error_message = "A caller may call each function."
  }
}
