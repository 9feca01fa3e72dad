"""Rules for the text of the files of infra/gcp: names are used and described, files are short."""

import re
from collections.abc import Iterator
from pathlib import Path


def complaints(folder: Path) -> Iterator[str]:
    """Everything in the text of the files that breaks a rule."""
    files = {path.name: path.read_text("utf-8") for path in sorted(folder.glob("*.tf"))}
    whole = "\n".join(files.values())
    for name, body in re.findall(
        r'^variable "(\w+)" \{\n(.*?)^\}', whole, re.MULTILINE | re.DOTALL
    ):
        if not re.search(r'^  description = "[^"]+\."$', body, re.MULTILINE):
            yield f"variable {name} has no description"
        if not re.search(r"^  nullable +=", body, re.MULTILINE) or not re.search(
            r"^  type +=", body, re.MULTILINE
        ):
            yield f"variable {name} has no type, or does not say whether it may be null"
        if f"var.{name}" not in whole.replace(body, ""):
            yield f"variable {name} is not used"
    for block in re.findall(r"^locals \{\n(.*?)^\}", whole, re.MULTILINE | re.DOTALL):
        for name in re.findall(r"^  (\w+) +=", block, re.MULTILINE):
            if not re.search(rf"local\.{name}\b", whole):
                yield f"local {name} is not used"
    for name, body in re.findall(r'^output "(\w+)" \{\n(.*?)^\}', whole, re.MULTILINE | re.DOTALL):
        if not re.search(r'^  description = "[^"]+\."$', body, re.MULTILINE):
            yield f"output {name} has no description"
    yield from (
        f"{name} has more than 250 lines" for name in files if files[name].count("\n") > 250
    )
