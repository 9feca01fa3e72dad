"""Known weaknesses: bandit over our code, pip-audit over what it needs (`make audit`).

pip-audit asks PyPI. Where that is out of reach, or knows nothing of a package, nothing is said to
be clean: the audit fails, and says what was not looked at. What a package index alone can tell, it
tells then too: which of the pinned releases their makers have taken back since (PEP 592).
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


def run(tool: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a tool from PyPI in an environment of its own."""
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "tool", "run", "--quiet", "--from", tool, tool.partition("=")[0], *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def code() -> bool:
    """Whether bandit finds nothing in our code."""
    found = run(BANDIT, "--quiet", "--recursive", "--configfile", "pyproject.toml", *FOLDERS)
    sys.stdout.write(f"bandit: {'nothing found' if found.returncode == 0 else 'see below'}\n")
    if found.returncode:
        sys.stdout.write(found.stdout + found.stderr)
    return found.returncode == 0


def needs() -> bool:
    """Whether pip-audit knows of no weakness in any package that a function needs."""
    options = ("--format", "json", "--progress-spinner", "off", "--disable-pip", "--require-hashes")
    found = run(PIP_AUDIT, "--requirement", "requirements.txt", *options)
    try:
        packages = json.loads(found.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = (found.stderr.strip() or "no answer").splitlines()[-1]
        sys.stdout.write(f"pip-audit: NOT DONE, the list of weaknesses was not had: {last}\n")
        return False
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    weak = [package for package in packages if package.get("vulns")]
    sys.stdout.write(f"pip-audit: {len(packages) - len(skipped)} packages looked at\n")
    for package in weak:
        ids = ", ".join(weakness["id"] for weakness in package["vulns"])
        sys.stdout.write(f"  {package['name']} {package['version']}: {ids}\n")
    if skipped:
        reasons = {package.get("skip_reason", "").partition(":")[0] for package in packages}
        sys.stdout.write(f"  NOT LOOKED AT, {' '.join(reasons)}: {', '.join(skipped)}\n")
    return not weak and not skipped


def pins() -> bool:
    """Whether no pinned release was taken back, of any lock there is."""
    uv = Path(sys.executable).with_name("uv")
    back: set[str] = set()
    for lock in LOCKS:
        with tempfile.TemporaryDirectory() as folder:
            options = ("--dry-run", "--no-deps", "--require-hashes", "--target", folder)
            command = [str(uv), "pip", "install", *options, "--requirement", lock]
            found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if found.returncode:
            sys.stdout.write(f"index: NOT ASKED about {lock}: {found.stderr.strip()[-200:]}\n")
            return False
        back |= set(re.findall(r"`([^`]+)` is yanked", found.stderr))
    told = ", ".join(sorted(back)) or "none"
    sys.stdout.write(f"index: releases of {', '.join(LOCKS)} that were taken back: {told}\n")
    return not back


def main() -> int:
    """Audit all; gives how many of them are not clean."""
    return [code(), pins(), needs()].count(False)


if __name__ == "__main__":
    sys.exit(main())
