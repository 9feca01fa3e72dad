"""Stage all that Terraform deploys: `python -m infra.release [--to FOLDER]`.

Writes each function's zip, the gateway's document, and release.tfvars.json, which names the zips by
their digests: `terraform plan -var-file=../../build/release.tfvars.json`.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

from infra import gateway, package
from infra.local import specifications
from shared import api


def main() -> None:
    """Write the folder, and print what is in it."""
    parser = argparse.ArgumentParser(description="Stage all that Terraform deploys.")
    parser.add_argument("--to", type=Path, default=package.ROOT / "build", help="folder to write")
    folder = parser.parse_args().to
    for path in write(folder):
        sys.stdout.write(f"{path}\n")


def write(folder: Path) -> list[Path]:
    """Write the folder.

    Raises:
        Unpackable: a function asks for a distribution that is not pinned.
    """
    folder.mkdir(parents=True, exist_ok=True)
    zips = {name: package.write(name, folder) for name in package.names()}
    digests = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in zips.items()}
    document = gateway.build(api.all_routes(), specifications.functions())
    return [
        *zips.values(),
        _write(folder / "gateway.json", document),
        _write(folder / "release.tfvars.json", {"packages": digests}),
    ]


def _write(path: Path, value: object) -> Path:
    path.write_text(json.dumps(value, indent=2) + "\n", "utf-8")
    return path


if __name__ == "__main__":
    main()
