"""Do the tables hold each accepted row once, in its newest version, on both sides?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.warehouse.star import projections
from tests.chaos import expected
from tests.chaos.expected import Expected, Loaded, Restored, Stored
from tests.chaos.findings import Findings
from tests.chaos.ledger import Found
from tests.chaos.model import Model
from tests.support.operator import Operator

_WAITING = """
    select load_id, cast(raw ->> 'id' as bigint) as key, status from rejected_rows
    where status in ('waiting', 'loaded') and rejected_at >= :since
"""
_STUCK = """
    select count(*) from rejected_rows w
    where status = 'waiting' and table_name = 'hired_employees'
        and exists (select from departments where id = cast(raw ->> 'department_id' as bigint))
        and exists (select from jobs where id = cast(raw ->> 'job_id' as bigint))
"""
# Rows inserted minus rows deleted: only inserts and restores change the number of rows.
_CONSERVED = """
    select coalesce(sum(inserted - deleted), 0)
    from loads where table_name = :name and state = 'done'
"""
# A version that came late with the values that were stored counts as unchanged.
_VERSIONS = """
    with replaced as (
        select replaced_by as load_id, count(*) as versions
        from row_versions where reason in ('replaced', 'deleted') group by replaced_by
    ),
    lost as (
        select load_id, count(*) as versions
        from row_versions where reason in ('late', 'repeated') group by load_id
    )
    select load_id, updated + deleted as gone, superseded,
        coalesce(replaced.versions, 0) as replaced, coalesce(lost.versions, 0) as superseded_kept
    from loads left join replaced using (load_id) left join lost using (load_id)
    where updated + deleted <> coalesce(replaced.versions, 0)
        or superseded > coalesce(lost.versions, 0)
"""
_HISTORY = "select count(*) as loads, sum(inserted) as inserted, sum(updated) as updated from {}"


@dataclass(frozen=True)
class Round:
    """What a check looks at.

    Attributes:
        model: everything that was ever sent.
        found: the loads of this round.
        restored: the restores of this round.
        since: when the round began.
        keys: the keys that it used.
    """

    model: Model
    found: Sequence[Found]
    restored: Sequence[Restored]
    since: datetime
    keys: range


def check(operator: Operator, seen: Round, findings: Findings) -> None:
    """Compare the tables with what was sent, and BigQuery with the tables."""
    parked = operator.ask(_WAITING, since=seen.since)
    waits = {(row["load_id"], row["key"]) for row in parked if row["status"] == "waiting"}
    waited = {(row["load_id"], row["key"]) for row in parked if row["status"] == "loaded"}
    events: list[Loaded | Restored] = [*seen.restored]
    for one in seen.found:
        for entry in one.entries:
            if entry["state"] == "done":
                waiting = [key for key in one.sent.newest if (entry["load_id"], key) in waits]
                events.append(expected.loaded(one.sent, entry, waiting))
    ambiguous = {key for one in seen.found if not one.sent.identity for key in one.sent.newest}
    for table in expected.FIELDS:
        wanted = expected.fold(table, events, waited)
        wanted.ambiguous |= ambiguous
        rows = stored(operator, table, seen.keys)
        _compare(table, seen, wanted, rows, findings)
        _check_conserved(operator, table, findings)
        _check_warehouse(operator, table, rows, seen.keys, findings)
    for row in operator.ask(_VERSIONS):
        findings.must(False, "versions of rows are missing", str(row))
    stuck = operator.count(_STUCK)
    findings.must(not stuck, "rows left waiting", f"{stuck} rows wait although their parents exist")
    _check_history(operator, findings)


def stored(operator: Operator, table: str, keys: range) -> dict[int, Stored]:
    """The rows of a table that have some keys."""
    query = f"select {expected.columns(table)} from {table} where id >= :first and id < :end"
    found = operator.ask(query, first=keys.start, end=keys.stop)
    return {row["id"]: expected.stored(table, row) for row in found}


def _compare(
    table: str, seen: Round, wanted: Expected, rows: dict[int, Stored], findings: Findings
) -> None:
    for key in sorted(key for key in {*wanted.rows, *rows} if key in seen.keys):
        want, have = wanted.rows.get(key), rows.get(key)
        if have is not None:
            known = have.version in seen.model.versions.get((table, key), set())
            findings.must(known, "unknown row", f"{table} {key}: {have}")
        if key in wanted.ambiguous:
            findings.count("rows with ambiguous order")
            continue
        findings.count("rows compared")
        if want is not None and have is None:
            findings.count("rows lost")
        findings.must(want == have, "wrong row", f"{table} {key}: {have} instead of {want}")


def _check_conserved(operator: Operator, table: str, findings: Findings) -> None:
    rows = operator.count(f"select count(*) from {table}")
    counted = operator.count(_CONSERVED, name=table)
    sentence = f"{table} has {rows} rows; its loads inserted {counted}"
    if rows > counted:
        findings.count("rows duplicated", rows - counted)
    findings.must(rows == counted, "rows not conserved", sentence)


def _check_warehouse(
    operator: Operator, table: str, stored_rows: dict[int, Stored], keys: range, findings: Findings
) -> None:
    projection = next(p for p in projections() if p.table.name == table)
    renamed = projection.place.rename
    named = ", ".join(
        f"{renamed.get(n, n)} as {n}" for n in (*expected.FIELDS[table], "accepted_at", "load_id")
    )
    query = f"select {named} from `{operator.dataset}.{projection.target}`"
    query += f" where id >= {keys.start} and id < {keys.stop}"
    rows = [dict(row) for row in operator.bigquery.query(query).result()]
    seen = {row["id"]: expected.stored(table, row).version for row in rows}
    findings.count("rows duplicated", len(rows) - len(seen))
    findings.must(len(rows) == len(seen), "duplicated in BigQuery", f"{table}: {len(rows)} rows")
    here = {key: row.version for key, row in stored_rows.items()}
    differ = [key for key in {*here, *seen} if here.get(key) != seen.get(key)]
    examples = [(key, here.get(key), seen.get(key)) for key in sorted(differ)[:5]]
    findings.must(not differ, "BigQuery differs", f"{table}: {len(differ)} rows, {examples}")


def _check_history(operator: Operator, findings: Findings) -> None:
    (here,) = operator.ask(_HISTORY.format("loads"))
    query = _HISTORY.format(f"`{operator.dataset}.loads`")
    seen: dict[str, Any] = dict(next(iter(operator.bigquery.query(query).result())))
    same = {k: int(v or 0) for k, v in here.items()} == {k: int(v or 0) for k, v in seen.items()}
    findings.must(same, "BigQuery's history differs", f"PostgreSQL {here}, BigQuery {seen}")


def restores(
    operator: Operator, model: Model, since: datetime, findings: Findings
) -> list[Restored]:
    """The restores that were committed, with the rows of their backups."""
    found = []
    query = "select * from loads where kind = 'restore' and started_at >= :since"
    for entry in operator.ask(query, since=since):
        name = entry["source"].partition("gs://")[2].partition("/")[2].rpartition("#")[0]
        backup_id = model.copies.get(name) or name.removesuffix(".avro").rpartition("-")[2]
        findings.must(
            backup_id in model.modes, "unknown restore", f"never requested: {dict(entry)}"
        )
        if backup_id in model.modes:
            rows = expected.of_backup(entry["table_name"], operator.content("backups", name))
            mode = model.modes[backup_id]
            found.append(Restored(entry["table_name"], entry["finished_at"], mode, rows))
    return found
