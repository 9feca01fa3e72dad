"""Fuzz one target: python -m tests.fuzz.one NAME, followed by libFuzzer's own options."""

import sys

import atheris

with atheris.instrument_imports(include=["shared", "tests.fuzz", "tests.security.avro_files"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Fuzz until libFuzzer ends the process."""
    name, *options = sys.argv[1:]
    atheris.Setup([name, *options], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
