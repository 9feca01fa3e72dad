"""What people do to a platform: they drop and alter tables, and damage and copy backups.

Each mishap must raise its alarm, hold back nothing that has no part in it, and be put right by the
remedy that the alarm names. The checks of the round follow.
"""

import json
import random
from collections.abc import Callable
from typing import Any

from shared.warehouse.apply import apply
from shared.warehouse.bigquery import Warehouse
from shared.warehouse.names import Names
from tests.chaos import lines
from tests.chaos.calling import Caller
from tests.chaos.findings import Findings
from tests.chaos.lines import Line, as_json
from tests.chaos.model import Model, Sent, batch_id
from tests.support.operator import Operator

TABLES = {"jobs": "dim_jobs", "departments": "dim_departments", "hired_employees": "fact_hires"}
_OTHERS = ("dim_dates", "loads", "load_rejects")
_WHOLE = {"dim_jobs": "job", "dim_departments": "department", "fact_hires": "name"}
_REPORTING = "reporting"


class Mishaps:
    """Lets mishaps happen to an idle platform, and puts them right.

    Args:
        operator: works on the platform.
        caller: calls it.
        model: what was sent.
        settle: waits until the platform is idle; returns what is not.
    """

    def __init__(
        self, operator: Operator, caller: Caller, model: Model, settle: Callable[[], str]
    ) -> None:
        self._operator, self._caller, self._model, self._settle = operator, caller, model, settle
        project, dataset = operator.dataset.split(".")
        names = Names(project, dataset, _REPORTING)
        self._warehouse = Warehouse(operator.bigquery, names, 60)

    def play(self, rng: random.Random, base: int, findings: Findings) -> None:
        """Let a mishap happen to the warehouse and one to a backup.

        Args:
            rng: random numbers.
            base: the first of a schedule's keys, whose rows are sent meanwhile.
            findings: what was found.
        """
        of_warehouse, of_backups = (
            (self.drop, self.alter, self.change_view),
            (self.damage, self.copy),
        )
        for kinds in (of_warehouse, of_backups):
            rng.choice(kinds)(rng, base, findings)

    def drop(self, rng: random.Random, base: int, findings: Findings) -> None:
        """Drop a table of the warehouse."""
        target = rng.choice((*TABLES.values(), *_OTHERS))
        self._warehouse.drop(target)
        self._put_right("warehouse table dropped", target, target, base, findings)

    def alter(self, rng: random.Random, base: int, findings: Findings) -> None:
        """Take a column from a table of the warehouse."""
        target = rng.choice(tuple(_WHOLE))
        name = self._warehouse.names.table(target)
        self._warehouse.query(
            f"create or replace table {name} as select * except ({_WHOLE[target]}) from {name}"
        )
        self._put_right("warehouse table altered", target, target, base, findings)

    def change_view(self, rng: random.Random, base: int, findings: Findings) -> None:
        """Replace the query of a view."""
        view = rng.choice(("hires_by_quarter", "load_history", "data_freshness"))
        name = self._warehouse.names.resolved(f"`reporting.{view}`")
        self._warehouse.query(f"create or replace view {name} as select 1 as year")
        self._put_right("view changed", f"reporting.{view}", "", base, findings)

    def _put_right(self, what: str, named: str, target: str, base: int, findings: Findings) -> None:
        findings.count(what)
        table = next((t for t, of in TABLES.items() if of == target), "jobs")
        self._send(table, base)
        before = self._alerts("sync_warehouse", "warehouse-differs")
        answer = self._caller.until_answered("POST", "/sync_warehouse/reconcile", json={})
        found = answer.json() if answer.status_code == 200 else {}
        names = [one["name"] for one in found.get("objects", ())]
        raised = not found.get("agrees", True) and named in names
        raised &= self._alerts("sync_warehouse", "warehouse-differs") > before
        findings.must(raised, "alarm missing", f"{what}, {named}: {answer.text[:600]}")
        if target in TABLES.values():
            fresh = self._caller.until_answered("GET", "/freshness").json()
            (behind,) = [one["unsynced"] for one in fresh["tables"] if one["table"] == table]
            findings.must(behind > 0, "alarm missing", f"{what}: {table} is said to be fresh")
            # Every column of an altered table is made anew.
            self._warehouse.drop(target)
        findings.count("alarms raised", raised)
        apply(self._warehouse, "US")
        left = self._settle()
        findings.must(not left, "never settled", f"after {what} of {named}: {left}")
        repaired = self._caller.until_answered(
            "POST", "/sync_warehouse/reconcile", json={"repair": True}
        )
        agrees = repaired.status_code == 200 and repaired.json()["agrees"]
        findings.must(agrees, "not put right", f"{what}, {named}: {repaired.text[:600]}")

    def _send(self, table: str, base: int) -> None:
        """Send rows while something is wrong: they must be stored, and wait for the warehouse."""
        key = f"mishap-{base}-{len(self._model.sent)}"
        made = lines.parents("jobs" if table == "hired_employees" else table, base, key)
        if table == "hired_employees":
            hire = {"name": key, "datetime": "2021-02-03T04:05:06Z"}
            made = [Line({"id": base + 1, **hire, "department_id": base + 1, "job_id": base + 1})]
        sent = self._model.record(Sent("batch", batch_id(key), table, made))
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": key,
            "Prefer": "wait=30",
        }
        path = f"/insert_rows/{table}"
        answer = self._caller.until_answered("POST", path, content=as_json(made), headers=headers)
        if answer.status_code not in (200, 202):
            self._model.problems.append(f"{path} was answered {answer.status_code}: {answer.text}")
        sent.answered()

    def damage(self, rng: random.Random, base: int, findings: Findings) -> None:
        """Flip a bit of a backup."""
        table, backup, name = self._backed_up(rng)
        content = bytearray(self._operator.content("backups", name))
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        self._bucket.blob(name).upload_from_string(bytes(content))
        findings.count("backups damaged")
        before = self._alerts("restore_table", "backup-damaged")

        asked = {"backup": backup["id"]}
        answer = self._caller.until_answered("POST", f"/restore_table/{table}", json=asked)

        raised = answer.status_code == 422 and "damaged-backup" in answer.text
        raised &= self._alerts("restore_table", "backup-damaged") > before
        listed = self._caller.until_answered("GET", f"/backup_table/{table}").json()["backups"]
        marks = [one["verified"] for one in listed if one["id"] == backup["id"]]
        findings.must(raised and marks == [False], "alarm missing", f"{name}: {answer.text[:600]}")
        findings.count("alarms raised", raised)
        self._caller.until_answered("DELETE", f"/backup_table/{table}/{backup['id']}")

    def copy(self, rng: random.Random, base: int, findings: Findings) -> None:
        """Copy a backup, and restore the copy."""
        table, backup, name = self._backed_up(rng)
        copied = f"elsewhere/{base}-{len(self._model.copies)}.avro"
        self._bucket.copy_blob(self._bucket.blob(name), self._bucket, copied)
        self._model.copies[copied] = backup["id"]
        self._model.backups.append((table, backup["id"]))
        self._model.modes[backup["id"]] = "merge"
        findings.count("backups copied")
        asked = {"uri": f"gs://{self._bucket.name}/{copied}", "mode": "merge"}
        answer = self._caller.until_answered("POST", f"/restore_table/{table}", json=asked)
        known = answer.status_code == 200 and answer.json()["backup"] == backup["id"]
        findings.must(known, "copy not recognised", f"{name}: {answer.text[:600]}")
        left = self._settle()
        findings.must(not left, "never settled", f"after a restore of a copy: {left}")

    def _backed_up(self, rng: random.Random) -> tuple[str, dict[str, Any], str]:
        """Back up a table: its name, the backup, and the name of its object."""
        table = rng.choice(tuple(TABLES))
        backup = self._caller.until_answered("POST", f"/backup_table/{table}").json()
        return table, backup, backup["uri"].partition("gs://")[2].partition("/")[2]

    @property
    def _bucket(self) -> Any:
        return self._operator.storage.bucket(self._operator.names["backups"])

    def _alerts(self, part: str, alert: str) -> int:
        """How many lines of a part's log an alert selects."""
        found = 0
        for line in (self._operator.platform.home.logs / f"{part}.log").read_text().splitlines():
            if alert in line:
                labels = json.loads(line).get("logging.googleapis.com/labels", {})
                found += labels.get("alert") == alert
        return found
