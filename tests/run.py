"""Runs the tests with the tables that they are written for: `python -m tests.run -n 3 tests`.

Where this checkout has the tables and metrics of `tests/models/hiring`, this is pytest. Where a
company has put others in their place, the tests that fit any tables run on those; then all run in a
copy of this checkout with the sample's tables, because what they test is the platform.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from shared.errors import ConfigurationError
from tests.support import company
from tests.support.checkout import ROOT


def main(arguments: list[str]) -> int:
    """Run pytest with these arguments; returns its exit code, the worse of two."""
    try:
        if company.has_sample():
            return _pytest(ROOT, arguments)
    except ConfigurationError as exception:
        print(exception, file=sys.stderr)
        return 1
    print(f"Your tables first: {company.FREE}", flush=True)
    of_yours = _pytest(ROOT, [company.FREE])
    with tempfile.TemporaryDirectory(prefix="tablegate-tests-") as folder:
        print("Now the platform, in a copy with the sample's tables", flush=True)
        root = company.copy(Path(folder, "tablegate"), company.HIRING)
        return max(of_yours, _pytest(root, arguments))


def _pytest(root: Path, arguments: list[str]) -> int:
    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments], cwd=root, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
