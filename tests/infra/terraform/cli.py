"""Runs terraform on a copy of infra/gcp: validation, and a plan for the rules to check."""

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
class Output:
    """The output of a command.

    Attributes:
        code: its exit status.
        text: everything that it printed.
    """

    code: int
    text: str


class Terraform:
    """The real terraform, with a provider that has Google's schema and never calls Google."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def run(self, folder: Path, *words: str) -> Output:
        """Run a command in a folder."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([str(folder), *words]) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return Output(answer["code"], answer["text"])

    def errors(self, folder: Path) -> str:
        """All errors that terraform finds in a copy, or an empty text.

        Resources with `for_each` are checked only when they are planned.
        """
        if found := self.validation_errors(folder):
            return found
        try:
            self.plan(folder)
        except Unplannable as error:
            return str(error)
        return ""

    def validation_errors(self, folder: Path) -> str:
        """All errors that `terraform validate` finds in the files, or an empty text."""
        output = self.run(folder, "validate", "-no-color")
        return "" if output.code == 0 else output.text

    def plan(self, folder: Path, *more: str) -> dict[str, Any]:
        """The plan of a copy, as JSON.

        Raises:
            Unplannable: terraform could not plan it; has its errors.
        """
        file = str(folder / "the.plan")
        variables = ["-var", f"project_id={PROJECT}", "-var-file=../../build/release.tfvars.json"]
        words = ["-no-color", "-input=false", "-refresh=false", f"-out={file}", *variables, *more]
        output = self.run(folder, "plan", *words)
        if output.code != 0:
            raise Unplannable(output.text)
        plan: dict[str, Any] = json.loads(self.run(folder, "show", "-json", file).text)
        return plan


class Unplannable(Exception):
    """Terraform cannot plan these files; has its errors."""


@contextmanager
def terraform() -> Iterator[Terraform]:
    """Start terraform; it runs commands until the block ends."""
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
    """Copy infra/gcp and the files that it reads, without the backend of the state."""
    hidden = shutil.ignore_patterns(".terraform*", "backend.tf", "*.md")
    shutil.copytree(ROOT / "infra" / "gcp", folder / "infra" / "gcp", ignore=hidden)
    cached = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "functions", folder / "functions", ignore=cached)
    release.write(folder / "build")
    return folder / "infra" / "gcp"
