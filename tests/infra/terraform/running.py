"""Runs terraform on a copy of infra/gcp: validation, and a plan that our rules check."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import release
from infra.functions import ROOT
from tests.infra.terraform.extract import SCHEMA

PROJECT = "example-project"


@dataclass(frozen=True)
class Result:
    """The result of a command.

    Attributes:
        code: its exit status.
        text: everything that it printed.
    """

    code: int
    text: str


class Terraform:
    """The real terraform, with a provider that knows Google's schema and never calls Google."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def run(self, folder: Path, *words: str) -> Result:
        """Run a command in a folder."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([str(folder), *words]) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return Result(answer["code"], answer["output"])

    def verdict(self, folder: Path) -> str:
        """All errors that terraform finds in a copy, as text.

        Validation skips blocks made with `for_each`; only a plan finds errors there.
        """
        if found := self.validated(folder):
            return found
        try:
            self.plan(folder)
        except Unplannable as error:
            return str(error)
        return ""

    def validated(self, folder: Path) -> str:
        """All errors that `terraform validate` finds, as text."""
        result = self.run(folder, "validate", "-no-color")
        return "" if result.code == 0 else result.text

    def plan(self, folder: Path, *more: str) -> dict[str, Any]:
        """The plan of a copy, as JSON.

        Raises:
            Unplannable: terraform cannot make a plan; the message says why.
        """
        file = str(folder / "the.plan")
        variables = ["-var", f"project_id={PROJECT}", "-var-file=../../build/release.tfvars.json"]
        words = ["-no-color", "-input=false", "-refresh=false", f"-out={file}", *variables, *more]
        result = self.run(folder, "plan", *words)
        if result.code != 0:
            raise Unplannable(result.text)
        plan: dict[str, Any] = json.loads(self.run(folder, "show", "-json", file).text)
        return plan


class Unplannable(Exception):
    """Terraform cannot make a plan; the message says why."""


@contextmanager
def terraform() -> Iterator[Terraform]:
    """Start terraform in a process that runs commands."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["-m", "tests.infra.terraform.worker", str(SCHEMA), folder]
        with subprocess.Popen(
            [sys.executable, *words],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            yield Terraform(process)
            assert process.stdin is not None
            process.stdin.close()


def copy(folder: Path) -> Path:
    """A copy of infra/gcp and of everything that it reads, without the location of its state."""
    hidden = shutil.ignore_patterns(".terraform*", "backend.tf", "*.md")
    shutil.copytree(ROOT / "infra" / "gcp", folder / "infra" / "gcp", ignore=hidden)
    shutil.copy(ROOT / "infra" / "malloc.json", folder / "infra")
    cached = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "functions", folder / "functions", ignore=cached)
    release.write(folder / "build")
    return folder / "infra" / "gcp"
