"""Each mistake planted in a copy of infra/gcp is reported."""

import shutil

import pytest

from infra import functions
from tests.infra.terraform import mistakes, mistakes_against_rules, rules, texts


@pytest.mark.parametrize("mistake", mistakes.FOUND_BY_TERRAFORM, ids=lambda one: one.name)
def test_terraform_reports(mistake, terraform, files, tmp_path):
    copy = shutil.copytree(files.parents[1], tmp_path / "all") / "infra" / "gcp"
    mistake.plant(copy)

    # Terraform wraps its lines.
    assert mistake.reported in " ".join(terraform.errors(copy).replace("│", "").split())


@pytest.fixture(scope="module")
def violations(terraform, files, needed, tmp_path_factory):
    """The violations in a copy with all mistakes against the rules."""
    root = shutil.copytree(files.parents[1], tmp_path_factory.mktemp("mistaken") / "all")
    copy = root / "infra" / "gcp"
    for mistake in mistakes_against_rules.FOUND_BY_RULES:
        mistake.plant(copy)
    plan = rules.Planned(terraform.plan(copy))
    return [
        *rules.violations(plan, functions.read(), needed),
        *texts.violations(copy),
    ]


@pytest.mark.parametrize("mistake", mistakes_against_rules.FOUND_BY_RULES, ids=lambda one: one.name)
def test_the_rules_report(mistake, violations):
    assert [violation for violation in violations if mistake.reported in violation]


def test_a_badly_formatted_file_is_found(terraform, files, tmp_path):
    copy = shutil.copytree(files, tmp_path / "gcp")
    text = (copy / "storage.tf").read_text()
    (copy / "storage.tf").write_text(text.replace("  name      ", "  name", 1))

    assert terraform.run(copy, "fmt", "-check").code != 0
