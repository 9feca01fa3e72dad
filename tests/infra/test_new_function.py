"""Adding a folder adds a function: everything that deploys or runs functions finds it there."""

import json
import shutil
import subprocess
import sys

import httpx
import pytest

from infra import functions
from infra.functions import ROOT
from infra.local import gateway, timer
from infra.local.home import Home
from infra.local.layout import Layout
from infra.local.plan import lay_out, parts
from tests.infra import isolated
from tests.infra.terraform import rules

MAIN = '''
"""greetings: greet a caller, and count greetings."""

import functions_framework
from flask import Request, Response

from shared.http.app import FunctionApp
from shared.http.responses import json_response
from shared.http.routes import PUBLIC, PUSH, Context, Route


def greet(context: Context) -> Response:
    return json_response({"hello": context.params["name"]})


def count(_: Context) -> Response:
    return Response(status=204)


ROUTES = (
    Route("GET", "/<name>", greet, scope=PUBLIC, summary="Greet"),
    Route("POST", "/", count, scope=PUSH, summary="Count"),
)
app = FunctionApp("greetings", {"greetings": ROUTES})


@functions_framework.http
def greetings(request: Request) -> Response:
    return app(request)
'''
DESCRIBED = {
    "trigger": {
        "signature": "http",
        "paths": ["/hello"],
        "storage_event": None,
        "push": [
            {
                "topic": "greeted",
                "path": "/greetings",
                "ack_deadline_seconds": 60,
                "max_delivery_attempts": 5,
            }
        ],
        "schedule": [
            {"name": "count", "cron": "0 3 * * *", "time_zone": "UTC", "topic": "greeted"}
        ],
    },
    "limits": {
        "timeout_seconds": 60,
        "concurrency": 8,
        "max_instances": 2,
        "memory": "256Mi",
        "cpu": "1",
        "pool": 3,
    },
    "permissions": {
        "database": "reader",
        "warehouse": "none",
        "buckets": {"uploads": "viewer"},
        "publishes": ["greeted"],
        "tokens": True,
    },
    "package": {"dependency_groups": ["http"], "files": []},
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the checkout with one more function, packaged for deployment."""
    copy = tmp_path_factory.mktemp("checkout")
    ignored = shutil.ignore_patterns("__pycache__", ".terraform*", "backend.tf", "bigquery")
    for name in ("functions", "shared", "infra"):
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    for name in ("pyproject.toml", "requirements.txt"):
        shutil.copy(ROOT / name, copy / name)
    (copy / "functions" / "greetings").mkdir()
    (copy / "functions" / "greetings" / "main.py").write_text(MAIN)
    (copy / "functions" / "greetings" / "function.json").write_text(json.dumps(DESCRIBED))
    subprocess.run([sys.executable, "-m", "infra.release"], cwd=copy, env={}, check=True)
    return copy


@pytest.fixture
def greetings(checkout):
    """The new function, as its folder describes it."""
    (found,) = [one for one in functions.read(checkout / "functions") if one.name == "greetings"]
    return found


def test_its_zip_has_what_it_needs_and_answers(checkout, greetings, tmp_path):
    source = isolated.unpacked(greetings, tmp_path, checkout)

    with isolated.serving(
        greetings, source, isolated.environment(source, tmp_path / "libraries")
    ) as address:
        answer = httpx.get(f"{address}/greetings/Ada")

    assert answer.json() == {"hello": "Ada"}
    assert not (source / "shared" / "loading").exists()


def test_the_gateway_knows_its_routes(checkout):
    document = json.loads((checkout / "build" / "gateway.json").read_text())

    assert "greetings" in document["x-google-api-management"]["backends"]
    (operation,) = document["paths"]["/greetings/{name}"].values()
    assert operation["x-google-backend"] == "greetings"
    # Pushes do not go through the gateway.
    assert "/greetings" not in document["paths"]


def test_terraform_deploys_it_with_its_permissions_and_no_others(checkout, greetings, terraform):
    planned = rules.Planned(terraform.plan(checkout / "infra" / "gcp"))

    service = planned.functions()["greetings"]["service_config"][0]
    assert service["max_instance_count"] == 2
    assert service["environment_variables"]["UPLOADS_BUCKET"].endswith("-uploads")
    account = f"serviceAccount:{service['service_account_email']}"
    roles = {
        values["role"]
        for _, values in planned.all()
        if values.get("member") == account and "role" in values
    }
    assert roles == {
        "roles/cloudsql.client",
        "roles/cloudsql.instanceUser",
        "roles/pubsub.publisher",
        "roles/secretmanager.secretAccessor",
        "roles/storage.objectViewer",
    }
    topics = {values["name"] for _, values in planned.all("google_pubsub_topic")}
    jobs = {values["name"] for _, values in planned.all("google_cloud_scheduler_job")}
    assert "tablegate-greeted" in topics
    assert "tablegate-count" in jobs


def test_terraforms_rules_hold_for_it(checkout, terraform):
    planned = rules.Planned(terraform.plan(checkout / "infra" / "gcp"))

    found = functions.read(checkout / "functions")
    assert rules.complaints(planned, found, {one.name: set() for one in found}) == []


def test_the_embedded_platform_runs_it(checkout, greetings, tmp_path):
    home = Home.at(tmp_path / "home")
    home.prepare()

    layout = lay_out(home, checkout / "functions", None)

    (part,) = [one for one in parts(home, layout) if one.name == "greetings"]
    assert str(checkout / "functions" / "greetings" / "main.py") in part.command
    assert Layout.read(home) == layout
    assert gateway.routes(layout)["/hello"] == layout.url("greetings")
    assert "greeted" in layout.topics()
    assert timer.addresses(layout)["count"] == layout.url("greetings")
