"""Known vulnerabilities: bandit over our code, pip-audit over its dependencies (`make audit`).

pip-audit asks PyPI. If PyPI is unreachable or does not know a package, the audit fails and names
what it did not check. It always lists pinned releases that were yanked (PEP 592), which every
package index knows.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
BANDIT, PIP_AUDIT = "bandit==1.9.4", "pip-audit==2.10.1"
LOCKS = (
    "requirements.txt",
    "requirements-dev.txt",
    "functions/ingest_csv/requirements-backfill.txt",
    "infra/local/requirements.txt",
    "infra/local/requirements-uv.txt",
    "infra/local/bigquery/requirements.txt",
    "tests/fuzz/requirements.txt",
)
FOLDERS = ("shared", "functions", "infra")


def run(tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a tool from PyPI in an isolated environment."""
    uv = Path(sys.executable).with_name("uv")
    command = [
        str(uv),
        "tool",
        "run",
        "--quiet",
        "--from",
        tool,
        tool.partition("=")[0],
        *arguments,
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def code() -> bool:
    """Whether bandit finds nothing in our code."""
    found = run(BANDIT, "--quiet", "--recursive", "--configfile", "pyproject.toml", *FOLDERS)
    sys.stdout.write(f"bandit: {'nothing found' if found.returncode == 0 else 'see below'}\n")
    if found.returncode:
        sys.stdout.write(found.stdout + found.stderr)
    return found.returncode == 0


def dependencies() -> bool:
    """Whether pip-audit knows no vulnerability in any dependency of the functions."""
    options = ("--format", "json", "--progress-spinner", "off", "--disable-pip", "--require-hashes")
    found = run(PIP_AUDIT, "--requirement", "requirements.txt", *options)
    try:
        packages = json.loads(found.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = (found.stderr.strip() or "no answer").splitlines()[-1]
        sys.stdout.write(
            f"pip-audit: NOT DONE, could not fetch the known vulnerabilities: {last}\n"
        )
        return False
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    vulnerable = [package for package in packages if package.get("vulns")]
    sys.stdout.write(f"pip-audit: {len(packages) - len(skipped)} packages checked\n")
    for package in vulnerable:
        ids = ", ".join(vulnerability["id"] for vulnerability in package["vulns"])
        sys.stdout.write(f"  {package['name']} {package['version']}: {ids}\n")
    if skipped:
        reasons = {package.get("skip_reason", "").partition(":")[0] for package in packages}
        sys.stdout.write(f"  NOT CHECKED, {' '.join(reasons)}: {', '.join(skipped)}\n")
    return not vulnerable and not skipped


def pins() -> bool:
    """Whether no pinned release of any lock file has been yanked."""
    uv = Path(sys.executable).with_name("uv")
    yanked: set[str] = set()
    for lock in LOCKS:
        with tempfile.TemporaryDirectory() as folder:
            options = ("--dry-run", "--no-deps", "--require-hashes", "--target", folder)
            command = [str(uv), "pip", "install", *options, "--requirement", lock]
            found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if found.returncode:
            sys.stdout.write(f"index: NOT CHECKED for {lock}: {found.stderr.strip()[-200:]}\n")
            return False
        yanked |= set(re.findall(r"`([^`]+)` is yanked", found.stderr))
    names = ", ".join(sorted(yanked)) or "none"
    sys.stdout.write(f"index: releases of {', '.join(LOCKS)} that were yanked: {names}\n")
    return not yanked


def main() -> int:
    """Run all audits; returns how many failed."""
    return [code(), pins(), dependencies()].count(False)


if __name__ == "__main__":
    sys.exit(main())
