"""`python -m shared.warehouse apply`: update BigQuery's datasets, tables and views."""

import sys

from shared import wiring
from shared.errors import TablegateError
from shared.warehouse.apply import apply
from shared.warehouse.bigquery import connect


def main(arguments: list[str]) -> int:
    """Run a command; return 0 if it succeeded, 1 if it failed, 2 if it does not exist."""
    if arguments != ["apply"]:
        sys.stderr.write("usage: python -m shared.warehouse apply\n")
        return 2
    try:
        settings = wiring.settings()
        warehouse = connect(wiring.bigquery_client(), settings)
        done = apply(warehouse, settings.warehouse_location)
    except TablegateError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"BigQuery has {', '.join(done)}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
