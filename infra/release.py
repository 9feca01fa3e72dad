"""Stages everything that Terraform deploys: `python -m infra.release [--to FOLDER]`.

Writes the zip of each function, the gateway's document, and release.tfvars.json, which names the
zips by their digests: `terraform plan -var-file=../../build/release.tfvars.json`.
"""

import argparse
import json
import sys
from pathlib import Path

from infra import functions, gateway, package
from infra.functions import ROOT, InvalidFunction


def main() -> int:
    """Write the folder, and print the files in it."""
    parser = argparse.ArgumentParser(description="Stage everything that Terraform deploys.")
    parser.add_argument("--to", type=Path, default=ROOT / "build", help="folder to write")
    folder = parser.parse_args().to
    try:
        for path in write(folder):
            sys.stdout.write(f"{path}\n")
    except InvalidFunction as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def write(folder: Path) -> list[Path]:
    """Write the folder.

    Raises:
        InvalidFunction: a function cannot be packaged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = functions.read()
    zips = {one.name: package.write(one, folder) for one in found}
    digests = {name: package.digest(path) for name, path in zips.items()}
    document = gateway.build(gateway.routes(found), found)
    return [
        *zips.values(),
        _write(folder / "gateway.json", document),
        _write(folder / "release.tfvars.json", {"packages": digests}),
    ]


def _write(path: Path, value: object) -> Path:
    path.write_text(json.dumps(value, indent=2) + "\n", "utf-8")
    return path


if __name__ == "__main__":
    sys.exit(main())
