"""Is everything that was accepted in the ledger, once, with counts that add up?"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.chaos.findings import Findings
from tests.chaos.model import Model, Sent
from tests.support.operator import Operator

Entry = Mapping[str, Any]
_LOADS = "select * from loads where kind <> 'restore' and started_at >= :since order by started_at"
_PARTS = ("inserted", "updated", "unchanged", "superseded", "waiting", "rejected")
_STATUSES = {True: ("waiting", "loaded"), False: ("rejected", "replayed")}


@dataclass(frozen=True)
class Found:
    """Something that was sent, and its loads: several if a file was uploaded several times."""

    sent: Sent
    entries: Sequence[Entry]


def check(
    operator: Operator, model: Model, sent: Iterable[Sent], since: datetime, findings: Findings
) -> list[Found]:
    """Find the load of everything that was sent, and check it.

    Args:
        operator: queries the database.
        model: everything that was ever sent, and the offsets of the clock.
        sent: what was sent in this round.
        since: when this round began.
        findings: records what is wrong.
    """
    entries = operator.ask(_LOADS, since=since)
    by_source: dict[str, list[Entry]] = {}
    for entry in entries:
        by_source.setdefault(_identity(entry), []).append(entry)
    found = [_found(one, by_source, model, findings) for one in sent]
    _check_unknown(found, entries, model, findings)
    return found


def _identity(entry: Entry) -> str:
    if entry["kind"] == "replay":
        return str(entry["load_id"])
    source = str(entry["source"])
    return source.rpartition("#")[0] if entry["kind"] == "file" else source


def _found(
    sent: Sent, by_source: Mapping[str, list[Entry]], model: Model, findings: Findings
) -> Found:
    entries = by_source.get(sent.identity, [])
    if sent.answered_at is not None and sent.identity:
        lost = not entries
        findings.count("rows accepted", len(sent.good))
        findings.must(not lost, "load lost", f"{sent.kind} {sent.identity} is not in the ledger")
        if lost:
            findings.count("rows lost", len(sent.good))
    for entry in entries:
        _check_entry(sent, entry, model, findings)
    return Found(sent, entries)


def _check_entry(sent: Sent, entry: Entry, model: Model, findings: Findings) -> None:
    sentence = f"{sent.identity} has {dict(entry)}"
    state = "done" if sent.table else "failed"
    findings.must(entry["state"] == state, "wrong state", sentence)
    if state == "failed":
        return
    counted = sum(entry[part] for part in _PARTS)
    findings.must(entry["rows_read"] == len(sent.lines) == counted, "wrong counts", sentence)
    findings.must(entry["rejected"] == len(sent.bad), "wrong counts", sentence)
    if not sent.repeats and entry["repeats"] is None:
        known = sent.may_be_accepted_at(entry["accepted_at"], model.clocks)
        times = f"tried {sent.tried_at}, answered {sent.answered_at}"
        findings.must(known, "wrong accepted_at", f"{sentence}, {times}")


def _check_unknown(
    found: Sequence[Found], entries: Iterable[Entry], model: Model, findings: Findings
) -> None:
    known = {entry["load_id"] for one in found for entry in one.entries}
    unknown = [entry for entry in entries if entry["load_id"] not in known]
    # If the answer was lost, the id of the load is unknown; each may have at most one load.
    unanswered = [one.sent for one in found if not one.sent.identity]
    for entry in unknown:
        match = next((s for s in unanswered if _may_be(s, entry, model)), None)
        findings.must(match is not None, "unknown load", f"never sent: {dict(entry)}")
        if match is not None:
            unanswered.remove(match)
    answered = [sent for sent in unanswered if sent.answered_at is not None]
    findings.must(not answered, "load lost", f"answered, but not found: {answered}")


def _may_be(sent: Sent, entry: Entry, model: Model) -> bool:
    return (
        (sent.kind, sent.table) == (entry["kind"], entry["table_name"])
        and entry["rows_read"] == len(sent.lines)
        and sent.may_be_accepted_at(entry["accepted_at"], model.clocks)
    )


def check_rejects(operator: Operator, found: Iterable[Found], findings: Findings) -> None:
    """Check that each rejected row is stored once, as it was sent."""
    loads = {entry["load_id"]: one.sent for one in found for entry in one.entries}
    stored: dict[Any, list[Mapping[str, Any]]] = {load_id: [] for load_id in loads}
    rows = operator.ask(
        "select load_id, position, raw, status from rejected_rows where load_id = any(:ids)",
        ids=list(loads),
    )
    for row in rows:
        stored[row["load_id"]].append(row)
    for load_id, sent in loads.items():
        rejected = [r for r in stored[load_id] if r["status"] in _STATUSES[False]]
        waiting = [r for r in stored[load_id] if r["status"] in _STATUSES[True]]
        findings.count("rows rejected", len(sent.bad))
        positions = sorted(row["position"] for row in rejected)
        sentence = f"{sent.identity}: lines {sorted(sent.bad)} are bad, {positions} are stored"
        findings.must(set(positions) >= set(sent.bad), "rejects lost", sentence)
        findings.must(len(positions) <= len(sent.bad), "rejects duplicated", sentence)
        _check_raw(sent, rejected, findings)
        unexpected = [row for row in waiting if row["raw"]["id"] not in sent.newest]
        findings.must(not unexpected, "wrong waiting rows", f"{sent.identity}: {unexpected}")


def _check_raw(sent: Sent, rejected: Iterable[Mapping[str, Any]], findings: Findings) -> None:
    for row in rejected:
        line = sent.bad.get(row["position"])
        if line is not None:
            texts = {name: str(value) for name, value in line.row.items()}
            same = {name: str(value) for name, value in row["raw"].items()} == texts
            findings.must(same, "wrong reject", f"{sent.identity}: {row} for {line}")
