"""Every function stays within its memory while it answers as many large bodies as it may."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from infra import functions
from tests.support.platform import wait_until

BODY = 10_000_000
REPLAY = 2 << 20
UNITS = {"Mi": 1 << 20, "Gi": 1 << 30}
pytestmark = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="only Linux measures a process's peak anew"
)
FUNCTIONS = {one.name: one for one in functions.read() if one.trigger.signature == "http"}


def nested(size):
    """A list of empty lists, which takes 20 times its size when it is decoded."""
    return b"[%b]" % b",".join([b"[]"] * (size // 3))


def around(head, tail, size=BODY):
    """A body of a size that holds a nested list."""
    return head + nested(size - len(head) - len(tail) - 2) + tail


def batch(row, times=1000):
    """A batch that repeats a row."""
    return b'{"rows":[%b]}' % b",".join([row] * times)


BATCHES = {
    "rows with a nested unknown field": batch(b'{"id":1,"job":"x","more":%b}' % nested(9_900)),
    "a row with a large unknown field": around(b'{"rows":[{"id":1,"job":"x","more":', b"}]}"),
    "long unknown names": batch(
        b'{"id":1,"job":"x",%b}' % b",".join(b'"%02d%b":1' % (n, b"n" * 45_000) for n in range(20)),
        11,
    ),
    "too many rows": around(b'{"rows":', b"}"),
    "rows with NaN": batch(b'{"id":1,"job":"x","more":[%bNaN]}' % (b"NaN," * 2400), 200),
    "not JSON": around(b'{"rows":', b""),
    "good rows between spaces": batch(b'{"id":1,"job":"x"%b}' % (b" " * 9_900)),
    "rows with a text that is too long": batch(b'{"id":1,"job":"%b"}' % (b"x" * 9_900)),
    "rows with half surrogate pairs": batch(b'{"id":1,"job":"%b"}' % (rb"\ud800" * 1600)),
}
CALLS = {
    "insert_rows": [("/jobs", body) for body in BATCHES.values()],
    "rejected_rows": [
        ("/replay", around(b'{"rows":{"1":', b"}}", REPLAY)),
        ("/replay", around(b'{"rows":{"1":', b"}}")),
        ("/discard", around(b'{"ids":', b"}")),
    ],
    "restore_table": [("/jobs", around(b'{"backup":', b"}"))],
    "backup_table": [("/jobs", around(b"", b""))],
    "sync_warehouse": [("/reconcile", around(b'{"table":', b"}"))],
    "dashboard": [("/uploads/jobs", b"x" * BODY)],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_stays_within_its_memory(platform, name):
    # What is inserted comes to store_rows.
    others = {name, "store_rows"}
    for other in others:
        forget_most(platform, other)
    for path, body in CALLS.get(name, []):
        answers = at_once(platform, name, path, body)

        # Some are told to come again.
        statuses = {answer.status_code for answer in answers}
        assert statuses - {503} <= {200, 201, 202, 400, 413, 422} and statuses != {503}
        for answer in answers:
            wait_until(lambda answer=answer: is_stored(platform, answer), "stored")
        for other in others:
            assert bytes_taken(platform, other) < allowed(other), (other, body[:40], statuses)


def at_once(platform, name, path, body):
    """Send a call as often at once as the function takes it; gives the answers."""
    headers = {"X-Token": platform.token, "Content-Type": "application/json"}
    url = f"{platform.part(name).address}/{name}{path}"
    count = FUNCTIONS[name].limits.concurrency
    with ThreadPoolExecutor(count) as pool:
        return list(
            pool.map(
                lambda _: httpx.post(url, content=body, headers=headers, timeout=120), range(count)
            )
        )


def is_stored(platform, answer):
    """Whether the batch of an answer is stored, if it has one."""
    batch_id = answer.json().get("batch_id")
    if batch_id is None:
        return True
    url = f"{platform.gateway}/insert_rows/batches/{batch_id}"
    return httpx.get(url, headers={"X-Token": platform.token}).json()["state"] == "stored"


def processes(platform, name):
    """The folders in /proc of a function's processes."""
    main = psutil.Process(platform.part(name).pid)
    return [Path(f"/proc/{one.pid}") for one in (main, *main.children(recursive=True))]


def forget_most(platform, name):
    """Count the memory from now on: other tests have used the same processes."""
    for process in processes(platform, name):
        (process / "clear_refs").write_text("5")


def bytes_taken(platform, name):
    """The most memory that a function's processes have taken."""
    statuses = [(process / "status").read_text() for process in processes(platform, name)]
    return sum(int(status.partition("VmHWM:")[2].split()[0]) << 10 for status in statuses)


def allowed(name):
    """The memory of an instance, as configured."""
    text = FUNCTIONS[name].limits.memory
    return int(text[:-2]) * UNITS[text[-2:]]
