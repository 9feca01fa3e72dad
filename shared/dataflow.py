"""Dataflow: starts the backfill of files that are too large for one call."""

import json
from typing import Any

from google.api_core.exceptions import (
    AlreadyExists,
    ClientError,
    Conflict,
    GoogleAPICallError,
    RetryError,
    TooManyRequests,
)
from google.cloud.dataflow_v1beta3 import (
    FlexTemplateRuntimeEnvironment,
    FlexTemplatesServiceClient,
    LaunchFlexTemplateParameter,
    LaunchFlexTemplateRequest,
)

from shared.errors import BackfillUnavailable, ConfigurationError
from shared.first_use import importing
from shared.settings import Settings


def connect(settings: Settings) -> FlexTemplatesServiceClient:
    """The client of Dataflow, or of DATAFLOW_ENDPOINT if that is set."""
    if not settings.dataflow_endpoint:
        return FlexTemplatesServiceClient()
    with importing():
        import grpc
        from google.cloud.dataflow_v1beta3.services.flex_templates_service import transports

    channel = grpc.insecure_channel(settings.dataflow_endpoint)
    transport = transports.FlexTemplatesServiceGrpcTransport(channel=channel)
    return FlexTemplatesServiceClient(transport=transport)


def launch(
    client: Any, settings: Settings, load_id: str, bucket: str, name: str, generation: int
) -> None:
    """Start the backfill of one object, unless it is running.

    Raises:
        BackfillUnavailable: try again later.
        ConfigurationError: Dataflow refuses the job as it is configured.
    """
    settings.require("google_cloud_project", "dataflow_region", "staging_bucket")
    if not settings.dataflow_endpoint:
        # Beam's own image, the default of the workers, does not have the dictionary.
        settings.require("dataflow_image")
    request = LaunchFlexTemplateRequest(
        project_id=settings.google_cloud_project,
        location=settings.dataflow_region,
        launch_parameter=LaunchFlexTemplateParameter(
            # Dataflow runs one job of a name at a time, and so refuses a repeated call.
            job_name=f"tablegate-backfill-{load_id}",
            container_spec_gcs_path=settings.dataflow_template,
            parameters={
                "bucket": bucket,
                "name": name,
                "generation": str(generation),
                "settings": json.dumps(settings.shareable()),
                **(
                    {"sdk_container_image": settings.dataflow_image}
                    if settings.dataflow_image
                    else {}
                ),
            },
            environment=FlexTemplateRuntimeEnvironment(
                temp_location=f"gs://{settings.staging_bucket}/dataflow",
                # The job runs with the function's account, which is a user of the database.
                service_account_email=_account(settings),
            ),
        ),
    )
    try:
        client.launch_flex_template(request=request)
    except (AlreadyExists, Conflict):
        return
    except TooManyRequests as error:
        raise BackfillUnavailable("Dataflow has too many requests; try again.") from error
    except ClientError as error:
        raise ConfigurationError(
            f"Dataflow refused a backfill ({error.code}: {error.message}). Check "
            "DATAFLOW_TEMPLATE, DATAFLOW_REGION and the roles of the function's account."
        ) from error
    except (GoogleAPICallError, RetryError) as error:
        raise BackfillUnavailable(
            f"Dataflow is unavailable ({type(error).__name__}); try again."
        ) from error


def _account(settings: Settings) -> str:
    user = settings.cloud_sql_user
    return f"{user}.gserviceaccount.com" if user else ""
