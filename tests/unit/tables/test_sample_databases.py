"""The dictionary can express nearly all tables of four public sample databases."""

import fastavro
import pytest

from shared import tables
from shared.avro import schemas
from shared.tables import stored
from shared.validation.row import validate_row
from shared.warehouse.columns import columns
from tests.unit.tables.sample_databases import DATABASES
from tests.unit.tables.sample_tables import COMPUTED, express


@pytest.fixture(scope="module")
def all_expressed():
    """What the dictionary can express of each database."""
    return {name: express(database) for name, database in DATABASES.items()}


@pytest.fixture(params=DATABASES)
def expressed(request, all_expressed):
    """What the dictionary can express of one database."""
    return all_expressed[request.param]


def test_the_descriptions_are_whole():
    counted = {
        name: (len(database), sum(len(table.columns) for table in database.values()))
        for name, database in DATABASES.items()
    }

    assert counted == {
        "northwind": (14, 92),
        "chinook": (11, 64),
        "pagila": (17, 93),
        "adventureworks": (68, 456),
    }


def test_all_tables_are_expressible_but_those_with_bytes_arrays_or_search_vectors(all_expressed):
    assert {name: len(one.tables) for name, one in all_expressed.items()} == {
        "northwind": 12,
        "chinook": 11,
        "pagila": 15,
        "adventureworks": 65,
    }
    assert sum(len(one.tables) for one in all_expressed.values()) >= 100
    assert {name: one.inexpressible for name, one in all_expressed.items()} == {
        "northwind": {"categories": ("picture bytea",), "employees": ("photo bytea",)},
        "chinook": {},
        "pagila": {
            "film": ("special_features text[]", "fulltext tsvector"),
            "staff": ("picture bytea",),
        },
        "adventureworks": {
            "address": ("spatiallocation bytea",),
            "document": ("document bytea",),
            "productphoto": ("thumbnailphoto bytea", "largephoto bytea"),
        },
    }


def test_only_references_to_those_tables_are_lost(all_expressed):
    assert frozenset().union(*(one.dangling for one in all_expressed.values())) == {
        "employee_territories.employee_id",
        "orders.employee_id",
        "products.category_id",
        "film_actor.film_id",
        "film_category.film_id",
        "inventory.film_id",
        "payment.staff_id",
        "rental.staff_id",
        "businessentityaddress.addressid",
        "productdocument.documentnode",
        "productproductphoto.productphotoid",
        "salesorderheader.billtoaddressid",
        "salesorderheader.shiptoaddressid",
    }


def test_only_defaults_that_the_database_computes_are_lost():
    computed = {
        column.default
        for database in DATABASES.values()
        for table in database.values()
        for column in table.columns
        if column.default is not None and column.default.endswith(")")
    }

    assert computed == COMPUTED


def test_names_keys_and_references_agree_and_lead_in_no_circle(expressed):
    ordered = tables.in_order(dict(expressed.tables))

    assert set(ordered) == set(expressed.tables)


def test_every_column_accepts_its_own_example(expressed):
    refused = {
        name: verdict
        for name, table in expressed.tables.items()
        if isinstance(
            verdict := validate_row(
                table, {field: kind.example(field) for field, kind in table.fields.items()}
            ),
            tuple,
        )
    }

    assert not refused


def test_backups_and_the_warehouse_have_every_column(expressed):
    for table in expressed.tables.values():
        avro = fastavro.parse_schema(schemas.of_table(table).declared)

        assert [field["name"] for field in avro["fields"]] == list(stored.columns(table))
        assert [column.name for column in columns(table)] == list(stored.columns(table))
