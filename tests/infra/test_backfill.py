"""The backfill's image and template fit the pipeline and the call that launches it."""

import json
import re
from types import SimpleNamespace

import pytest
from google.api_core import exceptions

from infra.package import ROOT
from shared import dataflow
from shared.faults import BackfillAway, ConfigurationFault
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


def launched(error=None):
    """What was asked of Dataflow."""
    asked = []

    def launch_flex_template(request):
        asked.append(request)
        if error is not None:
            raise error

    client = SimpleNamespace(launch_flex_template=launch_flex_template)
    dataflow.launch(client, SETTINGS, "af90", "uploads", "jobs.csv", 7)
    return asked[0]


def test_a_launch_gives_the_parameters_that_the_template_knows_and_the_pipeline_reads():
    parameters = launched().launch_parameter.parameters
    known = json.loads((FOLDER / "metadata.json").read_text("utf-8"))["parameters"]
    pipeline = (ROOT / "functions" / "ingest_csv" / "backfill.py").read_text("utf-8")

    assert sorted(parameters) == sorted(one["name"] for one in known)
    assert set(re.findall(r'add_argument\("--(\w+)"', pipeline)) == {
        # Beam's own.
        *(set(parameters) - {"sdk_container_image"})
    }


def test_a_launch_runs_as_the_function_and_carries_no_secret():
    request = launched()

    account = request.launch_parameter.environment.service_account_email
    assert account == "ingest-csv@some-project.iam.gserviceaccount.com"
    assert "secret" not in str(request)
    assert (
        json.loads(request.launch_parameter.parameters["settings"])["STAGING_BUCKET"] == "staging"
    )


def test_a_file_under_way_is_not_launched_again():
    assert launched(exceptions.AlreadyExists("there is an active job of this name"))


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (exceptions.PermissionDenied("no"), ConfigurationFault),
        (exceptions.NotFound("no template"), ConfigurationFault),
        (exceptions.TooManyRequests("slow down"), BackfillAway),
        (exceptions.ServiceUnavailable("away"), BackfillAway),
        (exceptions.RetryError("gave up", None), BackfillAway),
    ],
)
def test_what_dataflow_answers_is_told_as_ours(error, fault):
    with pytest.raises(fault):
        launched(error)


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
