"""Change the code in one place at a time, and see whether a test notices: python -m tests.mutants.

Prints how many of the mutants were killed in each file, and those that lived. Leaves out those that
`equivalent/*.toml` explain: no test could tell them from the code.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterable, Sequence

from tests.mutants import known, selection
from tests.mutants.mutant import Mutant
from tests.mutants.mutate import PACKAGES, files, mutants
from tests.mutants.results import Results
from tests.mutants.selection import Selection
from tests.mutants.workers import run

TARGET = 0.92


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print; returns 1 if a package misses the target or the list is out of date."""
    options = _parser().parse_args(arguments)
    chosen = list(_chosen(options.places))
    if options.only:
        results = Results.read()
        is_chosen = results.lived if options.only == "lived" else results.is_new
        chosen = [mutant for mutant in chosen if is_chosen(mutant)]
    elif options.sample:
        chosen = random.Random(options.seed).sample(chosen, min(options.sample, len(chosen)))
    equivalent = known.read()
    if unknown := known.without_place(equivalent):
        print("equivalent/*.toml name what is not in the code:", *unknown, sep="\n  ")
        return 1
    chosen = [mutant for mutant in chosen if known.key(mutant) not in equivalent]
    print(f"{len(chosen)} mutants, seed {options.seed}")
    if options.tests:
        covering = selection.of_files(options.tests)
    elif options.keep_coverage:
        covering = selection.read()
    else:
        covering = selection.measure(options.processes)
    started = time.monotonic()
    results = Results.read()
    for done, (mutant, outcome) in enumerate(
        run(chosen, Selection(covering, options.seconds), options.processes), 1
    ):
        results.add(mutant, outcome)
        if not outcome.killed:
            print(f"{mutant}\n    lived: {outcome.detail}", flush=True)
        if done % 10 == 0:
            print(f"  {done} of {len(chosen)}, {time.monotonic() - started:.0f} s", flush=True)
            results.write()
    results.write()
    return results.report(chosen, TARGET)


def _chosen(places: Iterable[str]) -> Iterable[Mutant]:
    for package in PACKAGES:
        for file in files(package):
            if not places or any(file.startswith(place.rstrip("/")) for place in places):
                yield from mutants(file)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("places", nargs="*", help="files or folders; all packages without")
    parser.add_argument("--sample", type=int, default=0, help="how many mutants; all without")
    parser.add_argument("--seed", type=int, default=20261126, help="which ones")
    parser.add_argument("--seconds", type=float, default=30, help="of tests for each mutant")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", choices=["lived", "new"], help="last time, or never tried")
    parser.add_argument("--tests", nargs="+", help="run all of these files, whatever they cover")
    parser.add_argument("--keep-coverage", action="store_true", help="don't measure it again")
    return parser


if __name__ == "__main__":
    sys.exit(main())
