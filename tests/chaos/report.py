"""The table at the end: what was done, which faults were injected, and what was found."""

from collections import Counter
from collections.abc import Mapping

from tests.chaos.findings import Findings

_ALWAYS = ("rows accepted", "rows lost", "rows duplicated")
_ALARMS = ("alarms raised", "alarm missing")
_REJECTS = ("rows rejected", "rejects lost", "rejects duplicated")


def table(findings: Findings, faults: Counter[tuple[str, str]], seconds: float) -> str:
    """The table of a run.

    Args:
        findings: everything that was found.
        faults: how many faults were injected, by kind and part.
        seconds: how long the run took.
    """
    counts = findings.counts
    kinds: Counter[str] = Counter()
    for (kind, _), number in faults.items():
        kinds[kind] += number
    shown = {
        "schedules": counts["schedules"],
        "operations": counts["operations"],
        **{f"fault: {kind}": number for kind, number in sorted(kinds.items())},
        **{what: counts[what] for what in (*_ALWAYS, *_REJECTS, *_ALARMS)},
        **{
            what: n
            for what, n in sorted(counts.items())
            if what not in _ALWAYS + _REJECTS + _ALARMS
        },
        "failures": len(findings.failures),
        "seconds": round(seconds),
    }
    return columns(shown)


def by_part(faults: Counter[tuple[str, str]]) -> str:
    """How many faults of each kind each part had."""
    return columns({f"{kind} {part}".strip(): n for (kind, part), n in sorted(faults.items())})


def columns(shown: Mapping[str, object]) -> str:
    """Names and numbers in two columns."""
    wide = max(map(len, shown), default=0)
    texts = {name: f"{n:,}" if isinstance(n, int) else str(n) for name, n in shown.items()}
    high = max(map(len, texts.values()), default=0)
    return "\n".join(f"  {name:<{wide}}  {text:>{high}}" for name, text in texts.items())
