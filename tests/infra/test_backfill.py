"""The backfill's image and template fit the pipeline and the call that launches it."""

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
def dataflow_at():
    """A server of Dataflow's protocol that keeps what it is asked and answers as it is told."""
    asked, answer = [], {}

    def launch(request, context):
        asked.append(request)
        if "code" in answer:
            context.abort(answer["code"], "as told")
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
    yield f"127.0.0.1:{port}", asked, answer
    server.stop(None).wait()


@pytest.fixture
def launched(dataflow_at):
    """Launches a backfill, answered with a status; gives what was asked of Dataflow."""
    endpoint, asked, answer = dataflow_at
    settings = replace(SETTINGS, dataflow_endpoint=endpoint)
    client = dataflow.connect(settings)

    def launch(code=None):
        answer.update({"code": code} if code else {})
        dataflow.launch(client, settings, "af90", "uploads", "jobs.csv", 7)
        return asked[0]

    yield launch
    client.transport.close()


def test_a_launch_gives_the_parameters_that_the_template_knows_and_the_pipeline_reads(launched):
    parameters = launched().launch_parameter.parameters
    known = json.loads((FOLDER / "metadata.json").read_text("utf-8"))["parameters"]
    pipeline = (ROOT / "functions" / "ingest_csv" / "backfill.py").read_text("utf-8")

    assert sorted(parameters) == sorted(one["name"] for one in known)
    assert set(re.findall(r'add_argument\("--(\w+)"', pipeline)) == {
        # Beam's own.
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


def test_a_file_under_way_is_not_launched_again(launched):
    assert launched(grpc.StatusCode.ALREADY_EXISTS)


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (grpc.StatusCode.PERMISSION_DENIED, ConfigurationError),
        (grpc.StatusCode.NOT_FOUND, ConfigurationError),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, BackfillUnavailable),
        (grpc.StatusCode.UNAVAILABLE, BackfillUnavailable),
        (grpc.StatusCode.INTERNAL, BackfillUnavailable),
    ],
)
def test_what_dataflow_answers_is_told_as_ours(launched, code, fault):
    with pytest.raises(fault):
        launched(code)


def test_workers_need_an_image_where_dataflow_is_googles():
    with pytest.raises(ConfigurationError, match="DATAFLOW_IMAGE"):
        dataflow.launch(None, replace(SETTINGS, dataflow_image=""), "af90", "uploads", "a.csv", 7)


def test_the_image_copies_what_is_there_and_has_the_beam_that_is_locked():
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    assert copied
    for source in copied:
        assert (ROOT / source).exists(), source
    (version,) = re.findall(r"FROM apache/beam_python3.11_sdk:(\S+)", DOCKERFILE)
    locked = (ROOT / "functions" / "ingest_csv" / "requirements-backfill.txt").read_text("utf-8")
    assert f"\napache-beam=={version} " in locked
    (entry,) = re.findall(r"FLEX_TEMPLATE_PYTHON_PY_FILE=/backfill/(\S+)", DOCKERFILE)
    assert (ROOT / entry).exists()
