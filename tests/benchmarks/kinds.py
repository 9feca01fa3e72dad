"""How fast rows of every kind of field are validated, compared with those of the hiring tables.

    python -m tests.benchmarks.kinds [ROWS]

Both tables have five columns, and both go through the gate alternately, in one process: as a CSV
file to COPY text, and as batches of JSON. The orders have a Choice, a Decimal and an optional Text.
"""

import io
import json
import sys
import time
from collections.abc import Callable

from shared import tables
from shared.tables import Choice, Decimal, Integer, Row, Table, Text, Timestamp
from shared.validation import csv_rows, json_batch

ROUNDS = 7
HIRES = tables.find("hired_employees")


class Order(Row):
    """An order of a customer."""

    id = Integer(minimum=1)
    customer = Text(optional=True)
    ordered_at = Timestamp()
    status = Choice(of=("open", "paid", "sent"))
    total = Decimal(digits=12, places=2)


ORDERS = Table("orders", Order)


def main() -> None:
    """Run and print."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    files = {table.name: _file(table, rows) for table in (HIRES, ORDERS)}
    bodies = {table.name: _body(table) for table in (HIRES, ORDERS)}
    _compare("csv", lambda table: _read(table, files[table.name]), rows)
    _compare("json", lambda table: _check(table, bodies[table.name], rows // 1000), rows)


def _compare(what: str, act: Callable[[Table], None], rows: int) -> None:
    taken: dict[str, list[float]] = {HIRES.name: [], ORDERS.name: []}
    for _ in range(ROUNDS):
        for table in (HIRES, ORDERS):
            begun = time.perf_counter()
            act(table)
            taken[table.name].append(time.perf_counter() - begun)
    # The fastest round is the one that other work on the machine disturbed least.
    hires, orders = (min(taken[table.name]) for table in (HIRES, ORDERS))
    print(
        f"{what}: {rows / hires:,.0f} hires a second, {rows / orders:,.0f} orders: "
        f"{hires / orders:.2f} of the rate"
    )


def _value(table: Table, at: int) -> dict[str, object]:
    moment = f"2021-07-{at % 28 + 1:02}T16:02:08Z"
    if table is HIRES:
        return {
            "id": at + 1,
            "name": f"Ann {at}",
            "datetime": moment,
            "department_id": 1,
            "job_id": 2,
        }
    return {
        "id": at + 1,
        "customer": f"Ann {at}" if at % 3 else None,
        "ordered_at": moment,
        "status": ("open", "paid", "sent")[at % 3],
        "total": f"{at}.{at % 100:02}" if at % 2 else at,
    }


def _file(table: Table, rows: int) -> bytes:
    lines = (
        ",".join("" if value is None else str(value) for value in _value(table, at).values())
        for at in range(rows)
    )
    return "\n".join([",".join(table.names), *lines, ""]).encode()


def _body(table: Table) -> bytes:
    return json.dumps({"rows": [_value(table, at) for at in range(1000)]}).encode()


def _read(table: Table, text: bytes) -> None:
    for block in csv_rows.blocks(table, io.BytesIO(text), 1 << 20):
        assert not block.rejects
        block.copied()


def _check(table: Table, body: bytes, times: int) -> None:
    for _ in range(times):
        found = json_batch.check(table, body)
        assert not found.rejects
        found.block(table).copied()


if __name__ == "__main__":
    main()
