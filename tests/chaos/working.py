"""Carries out the steps of a schedule."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from tests.chaos import schedules
from tests.chaos.calling import Caller
from tests.chaos.lines import FIELDS, Line, as_csv, as_json
from tests.chaos.model import Model, Sent, batch_id
from tests.chaos.publishing import Publisher
from tests.chaos.schedules import Schedule, Step

_JSON = {"Content-Type": "application/json"}


class Worker:
    """Does the work of a schedule, and records it in the model."""

    def __init__(
        self, schedule: Schedule, model: Model, caller: Caller, publisher: Publisher, uploads: str
    ) -> None:
        self._schedule, self._model = schedule, model
        self._caller, self._publisher = caller, publisher
        self._uploads = uploads
        self._actions: dict[type, Callable[[Any], None]] = {
            schedules.Drop: self._drop,
            schedules.Unreadable: self._unreadable,
            schedules.Batch: self._batch,
            schedules.SkewedBatch: self._skewed,
            schedules.Replay: self._replay,
            schedules.BackUp: self._back_up,
            schedules.Call: self._call,
        }

    def do(self, step: Step) -> None:
        """Carry out a step, and wait for the answer."""
        self._actions[type(step)](step)

    def _drop(self, step: schedules.Drop) -> None:
        content = as_csv(step.table, step.lines, header=step.header)
        for name in filter(None, (step.name, step.again)):
            sent = Sent("file", self._source(name), step.table, step.lines, 1 + step.header)
            sent.repeats = bool(step.again)
            self._upload(sent, name, content)

    def _unreadable(self, step: schedules.Unreadable) -> None:
        self._upload(Sent("file", self._source(step.name), "", ()), step.name, b"1,a\n")

    def _upload(self, sent: Sent, name: str, content: bytes) -> None:
        self._model.record(sent)
        self._caller.upload(name, content)
        sent.answered()

    def _source(self, name: str) -> str:
        return f"gs://{self._uploads}/{name}"

    def _batch(self, step: schedules.Batch) -> None:
        body, path = as_json(step.lines), f"/insert_rows/{step.table}"
        if not step.key:
            self._keyless(step, body, path)
            return
        sent = self._model.record(Sent("batch", batch_id(step.key), step.table, step.lines))
        headers = {**_JSON, "Idempotency-Key": step.key}
        for how in step.answers:
            if how == "lost":
                self._caller.send_and_hang_up(path, body, headers)
                continue
            answer = self._caller.until_answered("POST", path, content=body, headers=headers)
            self._expect(answer.status_code == (202 if sent.good else 422), path, answer)
            self._expect(answer.json()["batch_id"] == sent.identity, path, answer)
            sent.answered()

    def _keyless(self, step: schedules.Batch, body: bytes, path: str) -> None:
        sent = Sent("batch", "", step.table, step.lines)
        answer = self._caller.once("POST", path, content=body, headers=_JSON)
        if answer is not None:
            self._expect(answer.status_code == (202 if sent.good else 422), path, answer)
            sent.identity = answer.json()["batch_id"]
            sent.answered()
        self._model.record(sent)

    def _skewed(self, step: schedules.SkewedBatch) -> None:
        moment = datetime.now(UTC) + timedelta(seconds=step.seconds)
        sent = Sent("batch", str(uuid4()), step.table, step.lines, accepted_at=moment)
        self._model.record(sent)
        self._publisher.publish(
            "row-batches",
            as_json(step.lines),
            batch_id=sent.identity,
            table=step.table,
            sender="skewed",
            accepted_at=moment.isoformat(),
            kind="batch",
        )
        sent.answered()

    def _replay(self, step: schedules.Replay) -> None:
        mine = [s for s in self._model.sent if self._is_mine(s) and s.bad and s.kind != "replay"]
        for number, sent in enumerate(mine[-2:]):
            query = {"source": sent.identity, "status": "rejected", "limit": 2}
            found = self._caller.until_answered("GET", "/rejected_rows", params=query).json()
            reserved = self._model.reserve([reject["reject_id"] for reject in found["rows"]])
            rows = {
                str(reject["reject_id"]): self._corrected(sent, reject["raw"], step.word)
                for reject in found["rows"]
                if reject["reject_id"] in reserved
            }
            if rows:
                self._send_again(sent.table, rows, number)

    def _is_mine(self, sent: Sent) -> bool:
        return any(line.row["id"] in self._keys for line in sent.good.values())

    @property
    def _keys(self) -> range:
        return range(self._schedule.base, self._schedule.base + 1000)

    def _corrected(self, sent: Sent, raw: dict[str, Any], word: str) -> dict[str, Any]:
        key = int(str(raw["id"]).removeprefix("x"))
        row = {**raw, "id": key, FIELDS[sent.table][1]: f"{word} corrected"}
        parents = {name: int(row[name]) for name in ("department_id", "job_id") if name in row}
        return {**row, **parents}

    def _send_again(self, table: str, rows: dict[str, Any], number: int) -> None:
        # In the order of the rejects, which is also their order in the load.
        lines = [Line(rows[reject_id]) for reject_id in sorted(rows, key=int)]
        sent = self._model.record(Sent("replay", "", table, lines, number))
        answer = self._caller.until_answered(
            "POST", "/rejected_rows/replay", json={"rows": rows}, headers=_JSON
        )
        self._expect(answer.status_code == 200, "replay", answer)
        if loads := answer.json()["loads"]:
            sent.identity = loads[0]["load_id"]
        sent.answered()

    def _back_up(self, step: schedules.BackUp) -> None:
        path = f"/backup_table/{step.table}"
        answer = self._caller.with_retries("POST", path)
        if answer is None:
            return
        self._expect(answer.status_code == 201, path, answer)
        backup_id = answer.json()["id"]
        self._model.backups.append((step.table, backup_id))
        if step.restore:
            self._restore(step, backup_id)
        else:
            checked = self._caller.until_answered("POST", f"{path}/{backup_id}/verify")
            self._expect(checked.status_code == 200, "verify", checked)

    def _restore(self, step: schedules.BackUp, backup_id: str) -> None:
        time.sleep(step.pause)
        self._model.modes[backup_id] = step.restore or "merge"
        asked: dict[str, Any] = {"backup": backup_id, "mode": step.restore}
        path = f"/restore_table/{step.table}"
        answer = self._caller.with_retries("POST", path, json=asked)
        while answer is not None and "confirmation-needed" in answer.text:
            # Meanwhile it may have become another number.
            asked["confirm"] = answer.json()["count"]
            answer = self._caller.with_retries("POST", path, json=asked)
        if answer is not None:
            # 409: hires that were loaded meanwhile would lose their parent.
            self._expect(answer.status_code in (200, 409), "restore", answer)

    def _call(self, step: schedules.Call) -> None:
        if step.what == "sync":
            change = {"table": "jobs", "load_id": str(uuid4()), "kind": "load"}
            self._publisher.publish("table-changed", json.dumps(change).encode(), **change)
        elif step.what == "sweep":
            self._publisher.publish("sweep", b"{}")
        elif step.what == "reconcile":
            answer = self._caller.with_retries("POST", "/sync_warehouse/reconcile", json={})
            if answer is not None:
                self._expect(answer.status_code == 200, "reconcile", answer)
                self._expect(answer.json()["agrees"], "reconcile", answer)
        else:
            path = "/freshness" if step.what == "freshness" else "/hires_by_quarter?year=2021"
            answer = self._caller.with_retries("GET", path)
            if answer is not None:
                self._expect(answer.status_code == 200, path, answer)

    def _expect(self, holds: bool, what: str, answer: Any) -> None:
        if not holds:
            problem = f"{what} was answered {answer.status_code}: {answer.text[:400]}"
            self._model.problems.append(problem)
