"""The operations guide: everything it names exists, and every alert and file is in it."""

import importlib.util
import re

from infra.functions import ROOT

GCP = ROOT / "infra" / "gcp"
GUIDE = (GCP / "README.md").read_text("utf-8")
FILES = "\n".join(path.read_text("utf-8") for path in sorted(GCP.glob("*.tf")))


def keys(local):
    """The keys of a map in the files' locals."""
    body = re.search(rf"^  {local} = \{{\n(.*?)^  \}}", FILES, re.MULTILINE | re.DOTALL)[1]
    return re.findall(r"^    ([\w-]+) = \{", body, re.MULTILINE)


def test_exactly_the_existing_alerts_are_explained():
    explained = re.findall(r"^\| `([\w-]+)` \|", GUIDE.split("## What each alert means")[1], re.M)

    assert sorted(explained) == sorted([*keys("logged"), *keys("measured")])


def test_every_module_in_a_command_exists():
    for name in re.findall(r"python -m ([\w.]+)", GUIDE):
        assert importlib.util.find_spec(name) is not None, name


def test_every_output_and_address_in_a_command_exists():
    for name in re.findall(r"output -\w+ (\w+)", GUIDE):
        assert f'output "{name}"' in FILES
    for kind, name in re.findall(r"-target=(\w+)\.(\w+)", GUIDE):
        assert f'resource "{kind}" "{name}"' in FILES


def test_every_file_is_in_the_table():
    named = set(re.findall(r"`([\w-]+\.(?:tf|sql|json))`", GUIDE.split("## Deploy")[0]))
    existing = {path.name for path in GCP.iterdir() if path.suffix in (".tf", ".sql", ".json")}

    # Every terraform folder has these.
    assert existing - named == {
        "backend.tf",
        "locals.tf",
        "outputs.tf",
        "services.tf",
        "variables.tf",
        "versions.tf",
    }


def test_the_costs_are_calculated_correctly():
    small = 730 * (0.0413 + 3.75 * 0.0070) + 20 * 0.17 + 14 * 0.08
    assert f"| {small:.2f} |" in GUIDE
    large = 2 * (730 * (8 * 0.0413 + 32 * 0.0070) + 200 * 0.17) + 14 * 20 * 0.08
    assert f"| {large:.2f} |" in GUIDE
    seconds = 100 * 2 + 10_000 * 0.3 + 10_000 * 3 + 17_280 * 0.5 + 30 * 20 * 2 + 5_000 * 1.5
    assert f"{seconds:,.0f} vCPU s, free" in GUIDE
    many = 1_000 * 60 + 3e6 * 0.3 / 4 + 120_000 * 10 + 30 * 1_800 * 2
    assert f"{many / 1e6:.3f} M s" in GUIDE
    lines = {
        "vCPU": (many - 180_000) * 0.000024,
        "memory": (many * 0.75 - 360_000) * 0.0000025 + 4.5 * 0.40,
        "BigQuery": (5_000 * 5 / 1024 - 1) * 6.25 + 120 * 0.02,
        "Pub/Sub": (3e6 * 10 * 2 / 1024**2 - 10) / 1024 * 40,
        "gateway": 1.2 * 3,
        "Storage": (90 * 3.3 + 30 * 17) * 0.02,
    }
    for name, dollars in lines.items():
        assert f"| {dollars:.2f} |" in GUIDE, (name, dollars)
    assert f"**{round(small + 1.32)}**" in GUIDE
    assert f"**{round(large + sum(lines.values()), -1):,.0f}**" in GUIDE
