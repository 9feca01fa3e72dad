"""Dataflow: starts the backfill of files that are too large for one call."""

from __future__ import annotations

import json
from typing import Any

from shared.errors import BackfillUnavailable, ConfigurationError
from shared.lazy import api_exceptions, dataflow_v1beta3, grpc
from shared.settings import Settings


def connect(settings: Settings) -> dataflow_v1beta3.FlexTemplatesServiceClient:
    """Return a client for Dataflow, or for DATAFLOW_ENDPOINT if that is set."""
    if not settings.dataflow_endpoint:
        return dataflow_v1beta3.FlexTemplatesServiceClient()
    channel = grpc.insecure_channel(settings.dataflow_endpoint)
    transports = dataflow_v1beta3.services.flex_templates_service.transports
    transport = transports.FlexTemplatesServiceGrpcTransport(channel=channel)
    return dataflow_v1beta3.FlexTemplatesServiceClient(transport=transport)


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
        # Workers run Beam's own image by default, which does not have the dictionary.
        settings.require("dataflow_image")
    request = dataflow_v1beta3.LaunchFlexTemplateRequest(
        project_id=settings.google_cloud_project,
        location=settings.dataflow_region,
        launch_parameter=dataflow_v1beta3.LaunchFlexTemplateParameter(
            # Dataflow runs only one job per name at a time, so it refuses a repeated call.
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
            environment=dataflow_v1beta3.FlexTemplateRuntimeEnvironment(
                temp_location=f"gs://{settings.staging_bucket}/dataflow",
                # The job runs as the function's account, which is a user of the database.
                service_account_email=_account(settings),
            ),
        ),
    )
    try:
        client.launch_flex_template(request=request)
    except (api_exceptions.AlreadyExists, api_exceptions.Conflict):
        return
    except api_exceptions.TooManyRequests as error:
        raise BackfillUnavailable("Dataflow has too many requests; try again.") from error
    except api_exceptions.ClientError as error:
        raise ConfigurationError(
            f"Dataflow refused a backfill ({error.code}: {error.message}). Check "
            "DATAFLOW_TEMPLATE, DATAFLOW_REGION and the roles of the function's account."
        ) from error
    except (api_exceptions.GoogleAPICallError, api_exceptions.RetryError) as error:
        raise BackfillUnavailable(
            f"Dataflow is unavailable ({type(error).__name__}); try again."
        ) from error


def _account(settings: Settings) -> str:
    user = settings.cloud_sql_user
    return f"{user}.gserviceaccount.com" if user else ""
