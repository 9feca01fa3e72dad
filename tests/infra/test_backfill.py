"""The backfill's image and template match the pipeline and the call that launches it."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import grpc
import pytest
from google.cloud.dataflow_v1beta3 import LaunchFlexTemplateRequest, LaunchFlexTemplateResponse

from infra.functions import ROOT
from shared import dataflow
from shared.errors import BackfillUnavailable, ConfigurationError
from shared.settings import read

FOLDER = ROOT / "infra" / "backfill"
DOCKERFILE = (FOLDER / "Dockerfile").read_text("utf-8")
SETTINGS = read(
    {
        "GOOGLE_CLOUD_PROJECT": "some-project",
        "CLOUD_SQL_USER": "ingest-csv@some-project.iam",
        "DATABASE_URL": "postgresql://somebody:secret@127.0.0.1/tablegate",
        "STAGING_BUCKET": "staging",
        "DATAFLOW_TEMPLATE": "gs://staging/backfill.json",
        "DATAFLOW_REGION": "europe-west1",
        "DATAFLOW_IMAGE": "europe-west1-docker.pkg.dev/some-project/functions/backfill",
    }
)


@pytest.fixture
def dataflow_server():
    """A Dataflow server that records its requests and answers with a configured status."""
    requests, answer = [], {}

    def launch(request, context):
        requests.append(request)
        if "code" in answer:
            context.abort(answer["code"], "as configured")
        return LaunchFlexTemplateResponse()

    server = grpc.server(ThreadPoolExecutor(1))
    method = grpc.unary_unary_rpc_method_handler(
        launch, LaunchFlexTemplateRequest.deserialize, LaunchFlexTemplateResponse.serialize
    )
    service = "google.dataflow.v1beta3.FlexTemplatesService"
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(service, {"LaunchFlexTemplate": method}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}", requests, answer
    server.stop(None).wait()


@pytest.fixture
def launched(dataflow_server):
    """Launches a backfill, answered with a status; returns the request."""
    endpoint, requests, answer = dataflow_server
    settings = replace(SETTINGS, dataflow_endpoint=endpoint)
    client = dataflow.connect(settings)

    def launch(code=None):
        answer.update({"code": code} if code else {})
        dataflow.launch(client, settings, "af90", "uploads", "jobs.csv", 7)
        return requests[0]

    yield launch
    client.transport.close()


def test_a_launch_has_exactly_the_parameters_of_the_template_and_the_pipeline(launched):
    parameters = launched().launch_parameter.parameters
    known = json.loads((FOLDER / "metadata.json").read_text("utf-8"))["parameters"]
    pipeline = (ROOT / "functions" / "ingest_csv" / "backfill.py").read_text("utf-8")

    assert sorted(parameters) == sorted(one["name"] for one in known)
    assert set(re.findall(r'add_argument\("--(\w+)"', pipeline)) == {
        # A parameter of Beam's own.
        *(set(parameters) - {"sdk_container_image"})
    }


def test_a_launch_runs_as_the_function_and_carries_no_secret(launched):
    request = launched()

    account = request.launch_parameter.environment.service_account_email
    assert account == "ingest-csv@some-project.iam.gserviceaccount.com"
    assert "secret" not in str(request)
    assert (
        json.loads(request.launch_parameter.parameters["settings"])["STAGING_BUCKET"] == "staging"
    )


def test_a_backfill_that_is_already_running_is_not_an_error(launched):
    assert launched(grpc.StatusCode.ALREADY_EXISTS)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (grpc.StatusCode.PERMISSION_DENIED, ConfigurationError),
        (grpc.StatusCode.NOT_FOUND, ConfigurationError),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, BackfillUnavailable),
        (grpc.StatusCode.UNAVAILABLE, BackfillUnavailable),
        (grpc.StatusCode.INTERNAL, BackfillUnavailable),
    ],
)
def test_an_error_of_dataflow_is_mapped_to_ours(launched, code, error):
    with pytest.raises(error):
        launched(code)


def test_on_google_cloud_a_launch_needs_an_image():
    with pytest.raises(ConfigurationError, match="DATAFLOW_IMAGE"):
        dataflow.launch(None, replace(SETTINGS, dataflow_image=""), "af90", "uploads", "a.csv", 7)


def test_the_image_copies_existing_files_and_has_the_locked_version_of_beam():
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    assert copied
    for source in copied:
        assert (ROOT / source).exists(), source
    (version,) = re.findall(r"FROM apache/beam_python3.11_sdk:(\S+)", DOCKERFILE)
    locked = (ROOT / "functions" / "ingest_csv" / "requirements-backfill.txt").read_text("utf-8")
    assert f"\napache-beam=={version} " in locked
    (entry,) = re.findall(r"FLEX_TEMPLATE_PYTHON_PY_FILE=/backfill/(\S+)", DOCKERFILE)
    assert (ROOT / entry).exists()
