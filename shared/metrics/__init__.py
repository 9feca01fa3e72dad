"""The metrics: one file per metric, beside its SQL, the only place a metric is described.

To add a metric, add a file here that defines `METRIC`, its two SQL files, and its function's
folder. The call, the view, the source of reports, the OpenAPI document, the card of the dashboard,
the command line and the smoke test follow from it.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from shared import tables
from shared.errors import ConfigurationError
from shared.metrics.metric import AS_OF, ROWS, Metric

OWN_VIEWS = {
    "load_history": "Load history",
    "rejects_by_reason": "Rejects by reason",
    "data_freshness": "Data freshness",
}
"""The reporting views that are no metric's, by name, with their titles."""


@cache
def all_metrics() -> dict[str, Metric]:
    """Return every metric by name, in the order of the names.

    Raises:
        ConfigurationError: a metric's file contradicts itself or the dictionary; the text says how.
    """
    found = {
        entry.name: module.METRIC
        for entry in iter_modules(__path__)
        if hasattr(module := import_module(f"{__name__}.{entry.name}"), "METRIC")
    }
    for file, metric in found.items():
        check(file, metric)
    return dict(sorted(found.items()))


def check(file: str, metric: Metric) -> None:
    """Check that a metric fits its file, its SQL and the dictionary.

    Raises:
        ConfigurationError: it does not; the text says why.
    """
    if wrong := list(_wrong(file, metric)):
        raise ConfigurationError(
            f"Metric {metric.name!r} cannot be used: {'; '.join(wrong)}. Correct {file}.py in "
            "shared/metrics, or delete it with its SQL and its function's folder."
        )


def _wrong(file: str, metric: Metric) -> Iterator[str]:
    if metric.name != file:
        yield f"its file is named {file!r}"
    if metric.name in OWN_VIEWS:
        yield "a view of the platform has that name"
    for suffix in ("sql", "view.sql"):
        if not (metric.folder / f"{metric.name}.{suffix}").is_file():
            yield f"there is no {metric.name}.{suffix} beside it"
    known = tables.all_tables()
    yield from _unknown("table", metric.counts, known)
    fields = metric.document.__struct_fields__
    needed = (*(one.name for one in metric.parameters), AS_OF, ROWS)
    yield from (f"its document has no field {name!r}" for name in needed if name not in fields)
    yield from _unknown("column", metric.measures, metric.columns)
    yield from _unknown("field of its document", filter(None, [metric.mean]), fields)
    if metric.probe is not None:
        yield from _unknown("counted table", [metric.probe.table], metric.counts)
        if metric.probe.table in known:
            names = known[metric.probe.table].names
            yield from _unknown("field of its probe's table", metric.probe.row, names)


def _unknown(what: str, names: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    there = list(known)
    return (f"{name!r} is not a {what} ({', '.join(there)})" for name in names if name not in there)
