"""Errors that the BigQuery stand-in once had."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support import clients


@pytest.fixture
def warehouse(platform):
    """A client of the platform's warehouse."""
    made = clients.of_bigquery(platform.description["bigquery"]["endpoint"])
    yield made
    made.close()


def test_concurrent_reads_of_two_tables_give_each_its_own_rows(platform, warehouse):
    bigquery = platform.description["bigquery"]
    names = {
        number: f"{bigquery['project']}.{bigquery['dataset']}.own_{number}" for number in (1, 2)
    }
    for number, name in names.items():
        warehouse.query(
            f"create or replace table `{name}` as"
            f" select x, {number} as v from unnest(generate_array(1, 200)) as x"
        ).result()

    def read(number):
        return number, [row.v for row in warehouse.list_rows(names[number])]

    with ThreadPoolExecutor(6) as readers:
        found = list(readers.map(read, [1, 2] * 30))

    for name in names.values():
        warehouse.delete_table(name)
    assert all(values == [number] * 200 for number, values in found)
