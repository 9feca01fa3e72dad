"""Do the tables hold each accepted row once, in its newest version, on both sides?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.warehouse.star import projections
from tests.chaos import expected
from tests.chaos.expected import Brought, Expected, Restored, Stored
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
# Rows in, less rows out: only inserts and restores change how many there are.
_CONSERVED = """
    select coalesce(sum(inserted - case kind when 'restore' then superseded else 0 end), 0)
    from loads where table_name = :name and state = 'done'
"""
_REPLACED = """
    select l.load_id, l.updated + case kind when 'restore' then superseded else 0 end as told,
        coalesce(r.count, 0) as kept
    from loads l
    left join (select replaced_by, count(*) as count from replaced_rows group by replaced_by) r
        on r.replaced_by = l.load_id
    where l.updated + case kind when 'restore' then superseded else 0 end <> coalesce(r.count, 0)
"""
_HISTORY = "select count(*) as loads, sum(inserted) as inserted, sum(updated) as updated from {}"


@dataclass(frozen=True)
class Round:
    """What is looked at.

    Attributes:
        model: what was ever sent.
        found: the loads of this round.
        restored: the restores of this round.
        since: when it began.
        keys: those it used.
    """

    model: Model
    found: Sequence[Found]
    restored: Sequence[Restored]
    since: datetime
    keys: range


def check(operator: Operator, seen: Round, findings: Findings) -> None:
    """Compare the tables with what was sent, and BigQuery with the tables."""
    rows = operator.ask(_WAITING, since=seen.since)
    waits = {(row["load_id"], row["key"]) for row in rows if row["status"] == "waiting"}
    waited = {(row["load_id"], row["key"]) for row in rows if row["status"] == "loaded"}
    events: list[Brought | Restored] = [*seen.restored]
    for one in seen.found:
        for entry in one.entries:
            if entry["state"] == "done":
                held = [key for key in one.sent.newest if (entry["load_id"], key) in waits]
                events.append(expected.loaded(one.sent, entry, held))
    unsure = {key for one in seen.found if not one.sent.identity for key in one.sent.newest}
    for table in expected.FIELDS:
        wanted = expected.fold(table, events, waited)
        wanted.open |= unsure
        there = stored(operator, table, seen.keys)
        _compare(table, seen, wanted, there, findings)
        _check_conserved(operator, table, findings)
        _check_warehouse(operator, table, there, seen.keys, findings)
    for row in operator.ask(_REPLACED):
        findings.must(False, "wrong replaced rows", str(row))
    left = operator.count(_STUCK)
    findings.must(not left, "rows left waiting", f"{left} rows wait, and have their parents")
    _check_history(operator, findings)


def stored(operator: Operator, table: str, keys: range) -> dict[int, Stored]:
    """The rows of a table under some keys."""
    query = f"select {expected.columns(table)} from {table} where id >= :first and id < :end"
    found = operator.ask(query, first=keys.start, end=keys.stop)
    return {row["id"]: expected.stored(table, row) for row in found}


def _compare(
    table: str, seen: Round, wanted: Expected, there: dict[int, Stored], findings: Findings
) -> None:
    for key in sorted(key for key in {*wanted.rows, *there} if key in seen.keys):
        want, have = wanted.rows.get(key), there.get(key)
        if have is not None:
            known = have.version in seen.model.versions.get((table, key), set())
            findings.must(known, "row nobody sent", f"{table} {key}: {have}")
        if key in wanted.open:
            findings.count("rows whose order cannot be told")
            continue
        findings.count("rows compared")
        if want is not None and have is None:
            findings.count("rows lost")
        told = f"{table} {key} should be {want} and is {have}"
        findings.must(want == have, "wrong row", told)


def _check_conserved(operator: Operator, table: str, findings: Findings) -> None:
    rows = operator.count(f"select count(*) from {table}")
    counted = operator.count(_CONSERVED, name=table)
    told = f"{table} has {rows} rows, and its loads say {counted}"
    if rows > counted:
        findings.count("rows doubled", rows - counted)
    findings.must(rows == counted, "rows not conserved", told)


def _check_warehouse(
    operator: Operator, table: str, there: dict[int, Stored], keys: range, findings: Findings
) -> None:
    projection = next(p for p in projections() if p.table.name == table)
    renamed = projection.place.renamed
    named = ", ".join(
        f"{renamed.get(n, n)} as {n}" for n in (*expected.FIELDS[table], "accepted_at", "load_id")
    )
    query = f"select {named} from `{operator.dataset}.{projection.target}`"
    query += f" where id >= {keys.start} and id < {keys.stop}"
    rows = [dict(row) for row in operator.bigquery.query(query).result()]
    seen = {row["id"]: expected.stored(table, row).version for row in rows}
    findings.count("rows doubled", len(rows) - len(seen))
    findings.must(len(rows) == len(seen), "doubled in BigQuery", f"{table}: {len(rows)} rows")
    here = {key: row.version for key, row in there.items()}
    differ = [key for key in {*here, *seen} if here.get(key) != seen.get(key)]
    told = [(key, here.get(key), seen.get(key)) for key in sorted(differ)[:5]]
    findings.must(not differ, "BigQuery differs", f"{table}: {len(differ)} rows, {told}")


def _check_history(operator: Operator, findings: Findings) -> None:
    (here,) = operator.ask(_HISTORY.format("loads"))
    query = _HISTORY.format(f"`{operator.dataset}.loads`")
    seen: dict[str, Any] = dict(next(iter(operator.bigquery.query(query).result())))
    same = {k: int(v or 0) for k, v in here.items()} == {k: int(v or 0) for k, v in seen.items()}
    findings.must(same, "BigQuery's history differs", f"{here} here, {seen} there")


def restores(
    operator: Operator, model: Model, since: datetime, findings: Findings
) -> list[Restored]:
    """The restores that were committed, with the rows of the backups that they took."""
    found = []
    query = "select * from loads where kind = 'restore' and started_at >= :since"
    for entry in operator.ask(query, since=since):
        name = entry["source"].partition("gs://")[2].partition("/")[2].rpartition("#")[0]
        backup_id = name.removesuffix(".avro").rpartition("-")[2]
        findings.must(backup_id in model.modes, "stranger", f"nobody asked for {dict(entry)}")
        if backup_id in model.modes:
            rows = expected.of_backup(entry["table_name"], operator.content("backups", name))
            mode = model.modes[backup_id]
            found.append(Restored(entry["table_name"], entry["finished_at"], mode, rows))
    return found
