"""Every fault inserted into a copy of infra/gcp is found."""

import shutil

import pytest

from infra import functions
from tests.infra.terraform import rule_faults, rules, terraform_faults, texts


@pytest.mark.parametrize("fault", terraform_faults.FAULTS, ids=lambda one: one.name)
def test_terraform_finds(fault, terraform, files, tmp_path):
    copy = shutil.copytree(files.parents[1], tmp_path / "all") / "infra" / "gcp"
    fault.insert(copy)

    # Terraform wraps and frames its messages.
    assert fault.found in " ".join(terraform.verdict(copy).replace("│", "").split())


@pytest.fixture(scope="module")
def complaints(terraform, files, needed, tmp_path_factory):
    """The complaints of our rules about a copy with all these faults."""
    root = shutil.copytree(files.parents[1], tmp_path_factory.mktemp("faulty") / "all")
    copy = root / "infra" / "gcp"
    for fault in rule_faults.FAULTS:
        fault.insert(copy)
    plan = rules.Planned(terraform.plan(copy))
    return [
        *rules.complaints(plan, functions.read(), needed),
        *texts.complaints(copy),
    ]


@pytest.mark.parametrize("fault", rule_faults.FAULTS, ids=lambda one: one.name)
def test_our_rules_find(fault, complaints):
    assert [complaint for complaint in complaints if fault.found in complaint]


def test_a_badly_formatted_file_is_found(terraform, files, tmp_path):
    copy = shutil.copytree(files, tmp_path / "gcp")
    text = (copy / "storage.tf").read_text()
    (copy / "storage.tf").write_text(text.replace("  name      ", "  name", 1))

    assert terraform.run(copy, "fmt", "-check").code != 0
