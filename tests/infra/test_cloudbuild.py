"""cloudbuild.yaml: its steps are in order, and their commands exist."""

import importlib.util
import re

import pytest
import yaml

from infra.functions import ROOT

BUILD = yaml.safe_load((ROOT / "cloudbuild.yaml").read_text("utf-8"))
STEPS = {step["id"]: step["script"] for step in BUILD["steps"]}
ORDER = ["install", "lint", "types", "test", "package", "init", "migrate", "plan", "apply", "smoke"]


def test_the_steps_are_in_order():
    assert list(STEPS) == ORDER


def test_every_make_target_exists():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([\w.-]+):", makefile, re.MULTILINE))
    named = {
        word
        for script in STEPS.values()
        for line in re.findall(r"make (.*)", script)
        for word in line.split()
    }

    assert named
    assert named <= targets


def test_every_module_exists():
    named = {
        name for script in STEPS.values() for name in re.findall(r"python -m ([\w.]+)", script)
    }

    assert named == {
        "infra.release",
        "infra.rights",
        "infra.smoke",
        "shared.database",
        "shared.warehouse",
    }
    for name in named:
        found = importlib.util.find_spec(name)
        assert found is not None, name
        assert found.submodule_search_locations is None or importlib.util.find_spec(
            f"{name}.__main__"
        )


@pytest.mark.parametrize("step", ["migrate", "apply", "smoke"])
def test_steps_that_change_something_run_only_for_a_deployment(step):
    assert 'test "$_DEPLOY" = yes || exit 0' in STEPS[step]
    assert BUILD["substitutions"]["_DEPLOY"] == "no"


def test_every_variable_of_a_script_is_a_substitution():
    known = {*BUILD["substitutions"], "PROJECT_ID", "BUILD_ID"}
    local = {"lock"}
    for script in STEPS.values():
        assert set(re.findall(r"\$\{?(\w+)", script)) <= known | local


def test_terraform_writes_the_outputs_that_steps_read():
    outputs = (ROOT / "infra" / "gcp" / "outputs.tf").read_text("utf-8")
    for script in STEPS.values():
        for name in re.findall(r"terraform output -\w+ (\w+)", script):
            assert f'output "{name}"' in outputs


def test_only_the_smoke_test_can_read_a_secret():
    assert "availableSecrets" not in BUILD
    assert [name for name, script in STEPS.items() if "_SMOKE_SECRET" in script] == ["smoke"]
