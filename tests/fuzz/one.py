"""Fuzz one target: python -m tests.fuzz.one NAME, then libFuzzer's own words."""

import sys

import atheris

with atheris.instrument_imports(include=["shared", "tests.fuzz", "tests.security.avro_files"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Fuzz until libFuzzer ends the process."""
    name, *words = sys.argv[1:]
    atheris.Setup([name, *words], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
