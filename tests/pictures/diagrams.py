"""Draws the diagrams of the documentation from the text that lies beside them, with Graphviz."""

import shutil
import subprocess
import sys

from tests.support.checkout import ROOT

FOLDER = ROOT / "docs" / "pages" / "diagrams"


def draw() -> bool:
    """Draw every diagram; returns whether Graphviz is there."""
    dot = shutil.which("dot")
    if dot is None:
        print("The diagrams need Graphviz: apt-get install graphviz", file=sys.stderr)
        return False
    for text in sorted(FOLDER.glob("*.dot")):
        subprocess.run([dot, "-Tsvg", str(text), "-o", str(text.with_suffix(".svg"))], check=True)
    return True
