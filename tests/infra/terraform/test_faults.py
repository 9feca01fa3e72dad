"""Faults planted in a copy of infra/gcp are found, each by its name."""

import shutil

import pytest

from infra import functions
from tests.infra.terraform import faults, faults_of_the_house, house, texts


@pytest.mark.parametrize("fault", faults.OF_TERRAFORM, ids=lambda one: one.name)
def test_terraform_finds(fault, terraform, files, tmp_path):
    copy = shutil.copytree(files.parents[1], tmp_path / "all") / "infra" / "gcp"
    fault.plant(copy)

    # As it is wrapped for people to read.
    assert fault.found in " ".join(terraform.verdict(copy).replace("│", "").split())


@pytest.fixture(scope="module")
def complaints(terraform, files, needed, tmp_path_factory):
    """All that the house says of a copy with all of its faults."""
    root = shutil.copytree(files.parents[1], tmp_path_factory.mktemp("faulty") / "all")
    copy = root / "infra" / "gcp"
    for fault in faults_of_the_house.FAULTS:
        fault.plant(copy)
    plan = house.Planned(terraform.plan(copy))
    return [
        *house.complaints(plan, functions.read(), needed),
        *texts.complaints(copy),
    ]


@pytest.mark.parametrize("fault", faults_of_the_house.FAULTS, ids=lambda one: one.name)
def test_the_house_finds(fault, complaints):
    assert [complaint for complaint in complaints if fault.found in complaint]


def test_a_file_out_of_form_is_found(terraform, files, tmp_path):
    copy = shutil.copytree(files, tmp_path / "gcp")
    text = (copy / "storage.tf").read_text()
    (copy / "storage.tf").write_text(text.replace("  name      ", "  name", 1))

    assert terraform.run(copy, "fmt", "-check").code != 0
