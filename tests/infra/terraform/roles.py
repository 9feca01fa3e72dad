"""The roles that infra/gcp may grant, and the addresses that may grant each."""

_DEPLOYER = r"google_project_iam_member\.deployer\["
_CHECKER = r"google_project_iam_member\.checker\["

ALLOWED: dict[str, str] = {
    # Functions.
    "roles/bigquery.dataEditor": r"google_bigquery_dataset_iam_member\.function\[\"sync_warehouse/",
    "roles/bigquery.dataViewer": r"google_bigquery_dataset_iam_member\.(function|analyst)\[",
    "roles/bigquery.jobUser": r"google_project_iam_member\.(query|analyst_queries)\[",
    "roles/cloudsql.client": r"google_project_iam_member\.database_client\[",
    "roles/cloudsql.instanceUser": rf"google_project_iam_member\.database_user\[|{_DEPLOYER}",
    "roles/pubsub.publisher": r"google_pubsub_topic_iam_member\.|"
    r"google_project_iam_member\.storage_publishes$",
    "roles/secretmanager.secretAccessor": r"google_secret_manager_secret_iam_member\.",
    "roles/storage.objectCreator": r"google_storage_bucket_iam_member\.",
    "roles/storage.objectUser": r"google_storage_bucket_iam_member\.function\[",
    "roles/storage.objectViewer": r"google_storage_bucket_iam_member\."
    r"(function\[|backfill_|checker$)|"
    r"google_project_iam_member\.builder_reads$",
    "roles/artifactregistry.reader": rf"{_CHECKER}|"
    r"google_artifact_registry_repository_iam_member\.backfill_",
    "roles/dataflow.developer": r"google_project_iam_member\.backfill_launches\[",
    "roles/dataflow.worker": r"google_project_iam_member\.backfill_works\[",
    # Callers of the functions.
    "roles/eventarc.eventReceiver": r"google_project_iam_member\.events_received$",
    "roles/run.invoker": r"google_cloud_run_v2_service_iam_member\.",
    # Google's agents.
    "roles/eventarc.serviceAgent": r"google_project_iam_member\.eventarc_agent$",
    "roles/iam.serviceAccountOpenIdTokenCreator": r"google_service_account_iam_member\.pubsub",
    "roles/pubsub.subscriber": r"google_pubsub_subscription_iam_member\.agent_takes_dead_letters\[",
    # Builds.
    "roles/artifactregistry.writer": r"google_artifact_registry_repository_iam_member\.builder$",
    "roles/logging.logWriter": rf"google_project_iam_member\.builder_logs$|{_DEPLOYER}|{_CHECKER}",
    # Checks of branches.
    "roles/apigateway.viewer": _CHECKER,
    "roles/bigquery.metadataViewer": _CHECKER,
    "roles/browser": _CHECKER,
    "roles/cloudfunctions.viewer": _CHECKER,
    "roles/cloudscheduler.viewer": _CHECKER,
    "roles/cloudsql.viewer": _CHECKER,
    "roles/eventarc.viewer": _CHECKER,
    "roles/iam.securityReviewer": _CHECKER,
    "roles/iam.serviceAccountViewer": _CHECKER,
    "roles/logging.viewer": _CHECKER,
    "roles/monitoring.viewer": _CHECKER,
    "roles/pubsub.viewer": _CHECKER,
    "roles/run.viewer": _CHECKER,
    "roles/secretmanager.viewer": _CHECKER,
    "roles/serviceusage.serviceUsageViewer": _CHECKER,
    "roles/storage.bucketViewer": _CHECKER,
    # Deployments.
    "roles/apigateway.admin": _DEPLOYER,
    "roles/artifactregistry.admin": _DEPLOYER,
    "roles/bigquery.admin": _DEPLOYER,
    "roles/cloudfunctions.admin": _DEPLOYER,
    "roles/cloudscheduler.admin": _DEPLOYER,
    "roles/cloudsql.admin": _DEPLOYER,
    "roles/eventarc.admin": _DEPLOYER,
    "roles/iam.serviceAccountAdmin": _DEPLOYER,
    "roles/iam.serviceAccountUser": rf"{_DEPLOYER}|"
    r"google_service_account_iam_member\.backfill_acts_as_itself\[",
    "roles/logging.configWriter": _DEPLOYER,
    "roles/monitoring.editor": _DEPLOYER,
    "roles/pubsub.admin": _DEPLOYER,
    "roles/resourcemanager.projectIamAdmin": _DEPLOYER,
    "roles/run.admin": _DEPLOYER,
    "roles/secretmanager.admin": _DEPLOYER,
    "roles/servicemanagement.admin": _DEPLOYER,
    "roles/serviceusage.serviceUsageAdmin": _DEPLOYER,
    "roles/storage.admin": _DEPLOYER,
}
