"""Is every file in exactly one place, and does every backup restore?"""

from collections import Counter
from collections.abc import Iterable

from tests.chaos.calling import Caller
from tests.chaos.expected import FIELDS, of_backup
from tests.chaos.findings import Findings
from tests.chaos.ledger import Found
from tests.chaos.model import Model
from tests.chaos.settling import pending_messages
from tests.support.operator import Operator

_ACTIVE = """
    select pid, state, query from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
        and (state like 'idle in transaction%' or state = 'active')
"""
_LOCKS = "select count(*) from pg_locks where locktype = 'advisory'"
_LOADING = "select count(*) from loads where state = 'loading'"


def check(operator: Operator, found: Iterable[Found], findings: Findings) -> None:
    """Check that each file is in the right bucket, then empty the buckets."""
    places = {
        place: Counter(operator.objects(place)) for place in ("uploads", "processed", "failed")
    }
    for one in found:
        sent = one.sent
        if sent.kind != "file" or not (sent.answered_at or one.entries):
            continue
        name = sent.identity.partition("gs://")[2].partition("/")[2]
        counts = {place: names[name] for place, names in places.items()}
        findings.count("files")
        right = "processed" if sent.table else "failed"
        sentence = f"{name} should only be in {right}: {counts}"
        findings.must(counts == {**dict.fromkeys(places, 0), right: 1}, "file misplaced", sentence)
        if sent.bad:
            corrections = f"{name}.rejected.csv"
            is_there = corrections in places["processed"]
            findings.must(is_there, "no corrections", f"{corrections} is missing")
        if not sent.table:
            report = f"{name}.report.json"
            findings.must(report in places["failed"], "no report", f"{report} is missing")
    for place, names in places.items():
        bucket = operator.storage.bucket(operator.names[place])
        for name in names:
            bucket.blob(name).delete()


def check_backups(operator: Operator, caller: Caller, model: Model, findings: Findings) -> None:
    """Check that each backup with a manifest verifies and restores, then delete them."""
    listed = set()
    for table in FIELDS:
        answer = caller.until_answered("GET", f"/backup_table/{table}").json()
        for backup in answer["backups"]:
            listed.add((table, backup["id"]))
            _check_backup(operator, caller, model, backup, findings)
    lost = [backup for backup in model.backups if backup not in listed]
    findings.must(not lost, "backup lost", f"answered, but not listed: {lost}")
    for table, backup_id in listed:
        caller.until_answered("DELETE", f"/backup_table/{table}/{backup_id}")
    model.backups.clear()


def _check_backup(
    operator: Operator, caller: Caller, model: Model, backup: dict, findings: Findings
) -> None:
    table, path = backup["table"], f"/backup_table/{backup['table']}/{backup['id']}/verify"
    checked = caller.until_answered("POST", path)
    good = checked.status_code == 200 and checked.json()["verified"]
    findings.must(good, "backup damaged", f"{path} answers {checked.text}")
    asked = {"backup": backup["id"], "mode": "merge", "dry_run": True}
    tried = caller.until_answered("POST", f"/restore_table/{table}", json=asked)
    # 409: parents of its rows were deleted since.
    restores = tried.status_code == 200 or (tried.status_code == 409 and "parent" in tried.text)
    findings.must(restores, "backup does not restore", f"{backup['id']}: {tried.text}")
    name = backup["uri"].partition("gs://")[2].partition("/")[2]
    rows = of_backup(table, operator.content("backups", name))
    findings.must(len(rows) == backup["rows"], "wrong backup", f"{name} has {len(rows)} rows")
    unknown = [k for k, row in rows.items() if row.version not in model.versions[table, k]]
    findings.must(not unknown, "wrong backup", f"{name}: rows never sent: {unknown[:5]}")
    findings.count("backups verified")


def check_rest(operator: Operator, findings: Findings) -> None:
    """Check that nothing was left behind: locks, transactions, messages that failed."""
    for row in operator.ask(_ACTIVE):
        findings.must(False, "connection still active", str(row))
    locks = operator.count(_LOCKS)
    findings.must(not locks, "locks left", f"{locks} advisory locks")
    loading = operator.count(_LOADING)
    findings.must(not loading, "loads left", f"{loading} loads in state loading")
    dead = pending_messages(operator, dead=True)
    findings.must(not dead, "dead letters", str(dead))


def check_reconciled(caller: Caller, findings: Findings) -> None:
    """Let the platform itself compare both sides."""
    answer = caller.until_answered("POST", "/sync_warehouse/reconcile", json={})
    agrees = answer.status_code == 200 and answer.json()["agrees"]
    findings.must(agrees, "reconcile disagrees", answer.text[:1000])
