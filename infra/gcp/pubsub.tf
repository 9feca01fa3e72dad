locals {
  dead_letters = "dead-letters"
  topics = toset(concat(
    [local.dead_letters],
    [for one in values(local.pushes) : one.topic],
    [for one in values(local.publishers) : one.topic],
  ))
}

resource "google_pubsub_topic" "this" {
  #checkov:skip=CKV_GCP_83:Google's keys; to use keys of your own, set kms_key_name here.
  for_each = local.topics

  name = "${var.name}-${each.key}"
  # A subscription can be rewound by up to a week.
  message_retention_duration = "604800s"

  depends_on = [google_project_service.used]
}

resource "google_pubsub_topic_iam_member" "function" {
  for_each = local.publishers

  topic  = google_pubsub_topic.this[each.value.topic].id
  role   = "roles/pubsub.publisher"
  member = google_service_account.function[each.value.function].member
}

# Pushes carry the identity of this account. It may call the functions that take pushes or scheduled calls, and do nothing else.
resource "google_service_account" "push" {
  account_id   = "${var.name}-push"
  display_name = "Pushes of Pub/Sub and calls of Cloud Scheduler"
}

resource "google_service_account_iam_member" "pubsub_signs_as_push" {
  service_account_id = google_service_account.push.name
  role               = "roles/iam.serviceAccountOpenIdTokenCreator"
  member             = google_project_service_identity.pubsub.member
}

resource "google_pubsub_subscription" "push" {
  for_each = local.pushes

  name  = "${var.name}-${each.key}"
  topic = google_pubsub_topic.this[each.value.topic].id

  ack_deadline_seconds       = each.value.ack_deadline_seconds
  message_retention_duration = "604800s"

  push_config {
    push_endpoint = "${google_cloudfunctions2_function.this[each.value.function].service_config[0].uri}${each.value.path}"

    oidc_token {
      service_account_email = google_service_account.push.email
      audience              = local.functions[each.value.function].audience
    }
  }

  retry_policy {
    minimum_backoff = "1s"
    maximum_backoff = "60s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.this[local.dead_letters].id
    max_delivery_attempts = each.value.max_delivery_attempts
  }

  # Never: without this, Google deletes a subscription after a month without messages.
  expiration_policy {
    ttl = ""
  }

  depends_on = [google_cloud_run_v2_service_iam_member.push, google_service_account_iam_member.pubsub_signs_as_push]
}

# Without a subscription, the dead-letter topic would lose its messages.
resource "google_pubsub_subscription" "dead_letters" {
  name  = "${var.name}-${local.dead_letters}"
  topic = google_pubsub_topic.this[local.dead_letters].id

  ack_deadline_seconds       = 60
  message_retention_duration = "2678400s"
  retain_acked_messages      = true

  expiration_policy {
    ttl = ""
  }
}

# Pub/Sub's own agent moves a message to the dead-letter topic: it publishes there and acknowledges here.
resource "google_pubsub_topic_iam_member" "agent_publishes_dead_letters" {
  topic  = google_pubsub_topic.this[local.dead_letters].id
  role   = "roles/pubsub.publisher"
  member = google_project_service_identity.pubsub.member
}

resource "google_pubsub_subscription_iam_member" "agent_takes_dead_letters" {
  for_each = google_pubsub_subscription.push

  subscription = each.value.id
  role         = "roles/pubsub.subscriber"
  member       = google_project_service_identity.pubsub.member
}
