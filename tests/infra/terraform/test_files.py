"""The files of infra/gcp are valid, and their plan follows our rules."""

import ast
import json
import re

from openapi_spec_validator import validate

from infra import functions
from infra.functions import ROOT
from infra.local.home import Home
from infra.local.plan import description, lay_out
from shared import api
from shared.http.document import path_of
from shared.http.routes import PUSH
from shared.settings import read
from tests.infra.terraform import extract, provider, rules, running, texts


def test_the_files_are_formatted(terraform):
    result = terraform.run(ROOT / "infra" / "gcp", "fmt", "-check", "-diff", "-recursive")

    assert result.code == 0, result.text


def test_every_argument_block_and_reference_is_valid(terraform):
    assert terraform.validated(ROOT / "infra" / "gcp") == ""


def test_the_schema_has_exactly_the_types_that_are_used():
    known = provider.read(extract.SCHEMA)

    found = {(kind, type_) for one in known.values() for kind in one for type_ in one[kind]}
    assert extract.used(ROOT / "infra" / "gcp") | extract.REFUSED == {
        one for one in found if one[0] != "provider"
    }


def test_the_plan_follows_our_rules(plan, needed):
    assert rules.complaints(plan, functions.read(), needed) == []


def test_the_plan_with_a_backfill_follows_our_rules(terraform, files, needed):
    backfill = 'backfill={template="gs://somewhere/backfill.json",image="somewhere/image"}'
    plan = rules.Planned(terraform.plan(files, "-var", backfill))

    assert rules.complaints(plan, functions.read(), needed) == []
    variables = plan.functions()["ingest_csv"]["service_config"][0]["environment_variables"]
    assert variables["DATAFLOW_TEMPLATE"] == "gs://somewhere/backfill.json"


def test_variables_and_outputs_are_used_and_described():
    assert list(texts.complaints(ROOT / "infra" / "gcp")) == []


def test_terraforms_own_tests_pass(terraform, files):
    result = terraform.run(files, "test", "-no-color", "-var-file=../../build/release.tfvars.json")

    assert result.code == 0, result.text
    assert "0 failed" in result.text


def gateway_document(plan):
    ((_, config),) = plan.all("google_api_gateway_api_config")
    return json.loads(rules.decoded(config["openapi_documents"][0]["document"][0]["contents"]))


def test_the_gateways_document_is_valid_openapi(plan):
    validate(gateway_document(plan))


def test_every_path_of_the_functions_is_on_the_gateway(plan):
    document = gateway_document(plan)

    expected = {
        (path_of(name, route), route.method.lower(), name)
        for name, routes in api.all_routes().items()
        for route in routes
        if route.scope != PUSH
    }
    assert expected == {
        (path, method, operation["x-google-backend"])
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    backends = document["x-google-api-management"]["backends"]
    assert {name for _, _, name in expected} == set(backends)
    assert all(one["address"].startswith("https://") for one in backends.values())


def test_the_schedule_is_that_of_the_embedded_platform(plan):
    jobs = {values["name"]: values for _, values in plan.all("google_cloud_scheduler_job")}

    for name, job in functions.jobs(functions.read()).items():
        planned = jobs.pop(f"tablegate-{name}")
        assert (planned["schedule"], planned["time_zone"]) == (job.cron, job.time_zone)
        assert bool(planned["pubsub_target"]) == bool(job.topic)
        assert bool(planned["http_target"]) == bool(job.path)
    assert jobs == {}


def test_the_pushes_are_those_of_the_embedded_platform(plan):
    found = {
        (values["topic"].split("/")[1], values["push_config"][0]["push_endpoint"])
        for _, values in plan.all("google_pubsub_subscription")
        if values["push_config"]
    }

    assert found == {
        (
            f"tablegate-{push.topic}",
            f"https://{one.name.replace('_', '-')}.example.run.app{push.path}",
        )
        for one in functions.read()
        for push in one.trigger.push
    }


def test_the_object_of_a_function_is_named_after_the_content_of_its_zip(plan, files):
    release = files.parents[1] / "build" / "release.tfvars.json"
    digests = json.loads(release.read_text())["packages"]

    for name, values in plan.functions().items():
        source = values["build_config"][0]["source"][0]["storage_source"][0]
        assert source["object"] == f"{name}/{digests[name]}.zip"


def test_each_account_gets_its_role_in_the_database(plan):
    lines = plan.outputs["database_roles"].splitlines()
    grants = [re.fullmatch(r'grant tablegate_(\w+) to "(.+)";', line) for line in lines]
    granted = {found[2]: found[1] for found in grants if found}

    assert granted.pop("tablegate-deployer@example.iam") == "owner"
    users = {
        values["service_config"][0]["environment_variables"].get("CLOUD_SQL_USER"): name
        for name, values in plan.functions().items()
    }
    users.pop(None)
    assert {users[user]: role for user, role in granted.items()} == {
        one.name: one.permissions.database
        for one in functions.read()
        if one.permissions.database != "none"
    }


def test_the_output_for_clients_has_the_fields_of_platform_json(plan, tmp_path):
    home = Home.at(tmp_path / "home")
    home.prepare()
    local = json.loads(description(home, lay_out(home, ROOT / "functions", None)))

    here = plan.outputs["platform"]
    # Only the embedded platform has a token and the address of a database without Cloud SQL.
    assert set(local) - {"token", "database_url"} <= set(here)
    for part in ("storage", "bigquery", "pubsub"):
        assert set(local[part]) - {"endpoint", "secret"} <= set(here[part])
    assert here["storage"]["uploads"] == f"{running.PROJECT}-tablegate-uploads"


def test_the_output_for_deployments_has_the_settings_it_needs(plan):
    variables = dict(line.split("=", 1) for line in plan.outputs["deployer"].splitlines())

    settings = read(variables)
    settings.require("google_cloud_project", "cloud_sql_instance", "cloud_sql_user")
    assert settings.warehouse_dataset == "tablegate"


def test_every_filter_on_log_lines_matches_a_line_in_the_code():
    files = "\n".join(path.read_text("utf-8") for path in (ROOT / "infra" / "gcp").glob("*.tf"))
    written = [
        text.value
        for folder in ("functions", "shared")
        for path in (ROOT / folder).rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "logs.line"
        for text in ast.walk(call.args[1])
        if isinstance(text, ast.Constant) and isinstance(text.value, str)
    ]

    filters = re.findall(r'jsonPayload\.message=(~?)\\"([^"\\]+)\\"', files)
    assert len(filters) >= 4
    for is_pattern, text in filters:
        found = [one for one in written if (re.search(text, one) if is_pattern else one == text)]
        assert found, f"no log line says {text!r}"
