"""Every composed SQL statement as it is for `hired_employees`, in files that people can read.

tests/unit/test_golden.py compares them; `make golden` rewrites them.
"""

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from shared import stored_rows, tables
from shared.avro import table_rows
from shared.avro.table_rows import Selection
from shared.backups import foreign_keys, snapshot
from shared.backups.restore_sql import Statements
from shared.database.evolution import mirrors
from shared.database.evolution.catalog import Mirror
from shared.loading import fast_path_sql
from shared.loading.merge_sql import TEMPLATES, merge_sql
from shared.tables import stored
from shared.warehouse import apply, checksums, evolve, export
from shared.warehouse import merge_sql as warehouse_sql
from shared.warehouse.names import Names
from shared.warehouse.pending import PendingLoad, TableWork
from shared.warehouse.star import projections

FOLDER = Path(__file__).parent

HIRES = tables.find("hired_employees")
APPENDED = dataclasses.replace(HIRES, key=())
OF_APPENDED = {"append", "has_same_content"}
OF_UNIQUE = {"lock_unique", "refuse_taken", "refuse_takers", "refuse_unfit"}
UNIQUE = dataclasses.replace(HIRES, unique=(("name",), ("department_id", "job_id")))
LOAD_ID = UUID("00000000-0000-4000-8000-000000000001")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NAMES = Names("project", "warehouse", "reporting")
PROJECTION = next(one for one in projections() if one.table is HIRES)


def files() -> dict[str, str]:
    """The text of every golden file by its name below this folder."""
    made = {
        "avro/table_rows.sql": _table_rows,
        "backups/foreign_keys.sql": _foreign_keys,
        "backups/restore_sql.sql": _restore,
        "backups/snapshot.sql": _snapshot,
        "database/mirrors.sql": _mirrors,
        "loading/fast_path_sql.sql": _fast_paths,
        "loading/merge_sql.sql": _merge,
        "stored_rows.sql": _stored_rows,
        "warehouse/apply.sql": _apply,
        "warehouse/checksums.sql": _checksums,
        "warehouse/merge_sql.sql": _warehouse,
    }
    return {name: "\n".join(statements()) for name, statements in made.items()}


def rewrite() -> None:
    """Write all files."""
    for name, text in files().items():
        path = FOLDER / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _merge() -> Iterator[str]:
    for path in sorted(TEMPLATES.glob("*.sql")):
        table = UNIQUE if path.stem in OF_UNIQUE else HIRES
        if path.stem in OF_APPENDED:
            table = APPENDED
        yield _shown(path.stem, merge_sql(table, path.stem))


def _fast_paths() -> Iterator[str]:
    sql = fast_path_sql
    for compose in (sql.precheck, sql.copy_new, sql.can_bulk_load, sql.lock, sql.any_row):
        yield _composed(compose, HIRES)
    yield _composed(sql.set_defaults, HIRES, LOAD_ID, NOON)
    for compose in (sql.copy_fields, sql.drop_defaults):
        yield _composed(compose, HIRES)
    yield _composed(sql.drop_constraint, HIRES, "hired_employees_pkey")
    yield _composed(sql.add_constraint, HIRES, "hired_employees_pkey", "PRIMARY KEY (id)")


def _restore() -> Iterator[str]:
    replace, merge = Statements(HIRES, "replace"), Statements(HIRES, "merge")
    department, job = HIRES.references
    departments = Statements(tables.find(department.table), "replace")

    def shown(name: str, text: str, variant: str = "") -> str:
        return _shown(f"{name}{variant}", text, inspect.getdoc(getattr(Statements, name)))

    yield shown("create", replace.create)
    yield shown("copy", replace.copy)
    yield shown("copy_binary", replace.copy_binary)
    yield shown("doubled", replace.doubled)
    yield shown("lock_out_loads", replace.lock_out_loads)
    yield shown("lock", replace.lock)
    yield shown("without_parent", replace.without_parent(job), " in jobs")
    left_behind = departments.left_behind(HIRES, department)
    yield shown("left_behind", left_behind, " by a restore of departments")
    pair = ("department_id", "job_id")
    yield shown("not_unique", Statements(UNIQUE, "replace").not_unique(pair), ", mode replace")
    yield shown("not_unique", Statements(UNIQUE, "merge").not_unique(pair), ", mode merge")
    yield shown("compare", replace.compare, ", mode replace")
    yield shown("compare", merge.compare, ", mode merge")
    yield shown("counts", replace.counts)
    yield shown("examples", replace.examples)
    yield shown("unchanged", replace.unchanged)
    keep = replace.keep_versions(keeps_own=True)
    yield shown("keep_versions", keep, ", mode replace, keeps_own")
    yield shown("keep_versions", merge.keep_versions(keeps_own=True), ", mode merge")
    yield shown("insert", replace.insert)
    yield shown("update", replace.update(keeps_own=True), ", mode replace, keeps_own")
    yield shown("update", merge.update(keeps_own=True), ", mode merge")
    yield shown("delete", replace.delete)


def _table_rows() -> Iterator[str]:
    load = PendingLoad(LOAD_ID, HIRES.name, False, True, NOON, NOON, "1")
    condition = export.of_work(TableWork(PROJECTION, (load,), False)).condition
    everything = Selection(HIRES.name, stored.columns(HIRES))
    of_a_load = Selection(HIRES.name, stored.columns(HIRES), condition)
    yield _composed(table_rows.range_query, everything, 0, 4096, 64)
    yield _composed(table_rows.few_query, of_a_load)
    yield _composed(table_rows.range_counts_query, of_a_load, 4096)
    yield _composed(table_rows.ranges_query, of_a_load, [0, 128])
    yield _composed(table_rows.row_query, of_a_load)


def _stored_rows() -> Iterator[str]:
    yield _shown("select", stored_rows.select(HIRES, (), has_since=False))
    yield _shown(
        "select",
        stored_rows.select(HIRES, ("after", "first", "last"), has_since=True),
        ", all limits",
    )


def _snapshot() -> Iterator[str]:
    yield _composed(snapshot.lock_sql, list(tables.all_tables().values()))
    yield _composed(snapshot.count_sql, HIRES)


def _foreign_keys() -> Iterator[str]:
    key = {
        "child": "hired_employees",
        "name": "hired_employees_job_id_fkey",
        "definition": "FOREIGN KEY (job_id) REFERENCES jobs(id)",
    }
    yield _composed(foreign_keys.lock_sql, HIRES)
    yield _composed(foreign_keys.drop_key_sql, key)
    yield _composed(foreign_keys.add_key_sql, key)


def _mirrors() -> Iterator[str]:
    was = mirrors.Renamed(
        HIRES.name, "name", "full_name", "text", True, "cast('' as text)", ("id",)
    )
    for number, text in enumerate(mirrors.create_sql(was), 1):
        yield _shown(f"create, {number}", text, inspect.getdoc(mirrors.create_sql))
    yield _composed(mirrors.drop_sql, Mirror("tablegate_mirror_1", "name", "full_name"))


def _apply() -> Iterator[str]:
    column = PROJECTION.projected[0]
    yield _composed(apply.create_table_sql, NAMES, PROJECTION)
    yield _composed(evolve.add_column_sql, NAMES, PROJECTION, column)
    yield _composed(evolve.relax_column_sql, NAMES, PROJECTION, column.name)
    yield _composed(evolve.widen_column_sql, NAMES, PROJECTION, column)
    yield _composed(evolve.remake_column_sql, NAMES, PROJECTION, column)
    yield _composed(evolve.fill_column_sql, NAMES, PROJECTION, column)


def _warehouse() -> Iterator[str]:
    staging = "staging_fact_hires_1"
    buckets = checksums.bigquery_side(PROJECTION, NAMES).among_these(2, ["0a", "ff"])
    yield _composed(warehouse_sql.staged_counts, NAMES, PROJECTION, staging)
    for whole in (False, True):
        text = warehouse_sql.merge(NAMES, PROJECTION, staging, whole=whole)
        yield _shown(f"merge, whole={whole}", text, inspect.getdoc(warehouse_sql.merge))
    yield _composed(warehouse_sql.replacement, NAMES, PROJECTION, staging, buckets)


def _checksums() -> Iterator[str]:
    sides = {
        "PostgreSQL": checksums.postgres_side(PROJECTION),
        "BigQuery": checksums.bigquery_side(PROJECTION, NAMES),
    }
    for name, side in sides.items():
        yield _shown(f"buckets in {name}", side.buckets(2, 0), inspect.getdoc(side.buckets))
        yield _shown(f"buckets within buckets in {name}", side.buckets(4, 2))
        yield _shown(f"rows in {name}", side.rows(2), inspect.getdoc(side.rows))


def _composed(compose: Callable[..., str], *given: Any) -> str:
    return _shown(compose.__name__.removesuffix("_sql"), compose(*given), inspect.getdoc(compose))


def _shown(name: str, text: str, meaning: str | None = None) -> str:
    """A statement with its name, and what it does if its text does not say so itself."""
    lines = [f"-- {name}"]
    if meaning:
        lines.append(f"-- {meaning.partition(chr(10))[0]}")
    return "\n".join(lines) + f"\n{text.rstrip(';')};\n"
