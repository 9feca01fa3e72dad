"""Another company's table and metric in place of the hiring ones: nothing of those is left."""

import json
import re
import shutil
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.local.layout import PROJECT
from shared.warehouse.star import projections
from tests.support import apps, company
from tests.support.checkout import ROOT

TABLE = '''
"""orders: what customers ordered."""

from shared.tables import Integer, Row, Table, Text, Timestamp, UtcDay, Warehouse


class Order(Row):
    """An order of a customer."""

    id = Integer(minimum=1, description="Id of the order")
    shop = Text(description="Where it was ordered")
    ordered_at = Timestamp(description="When it was ordered")


TABLE = Table(
    name="orders",
    schema=Order,
    warehouse=Warehouse(
        name="fact_orders",
        derived={"ordered_on": UtcDay("ordered_at", description="The day of it")},
        partition="ordered_on",
        cluster=("shop",),
    ),
)
'''
METRIC = '''
"""orders_by_shop: orders of the shops with at least so many."""

from datetime import UTC, datetime

import msgspec

from shared.metrics.metric import AsOf, Count, Metric
from shared.metrics.parameters import Parameter


class OrdersOfShop(msgspec.Struct, frozen=True):
    """Orders of one shop."""

    shop: str
    orders: Count


class OrdersByShop(msgspec.Struct, frozen=True):
    """Orders by shop, most orders first."""

    least: int
    as_of: AsOf
    rows: list[OrdersOfShop]


METRIC = Metric(
    name="orders_by_shop",
    title="Orders by shop",
    summary="Orders of each shop",
    counts=("orders",),
    document=OrdersByShop,
    example=OrdersByShop(1, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), [OrdersOfShop("Lima", 2)]),
    parameters=(Parameter("least", "The fewest orders of a shop that is listed.", 1, 1000, 1),),
    measures=("orders",),
)
'''
SQL = """-- Count the orders of each shop that has enough of them.
with state as (
  select 1 as answer, max(as_of) as as_of
  from `warehouse.sync_state`
  where table_name = 'orders'
),
counted as (
  select 1 as answer, shop, count(*) as orders
  from `warehouse.fact_orders`
  group by shop
  having count(*) >= @least
)
select state.as_of, counted.shop, counted.orders
from state
left join counted on counted.answer = state.answer
order by counted.orders desc, counted.shop
"""
VIEW = """-- The orders of each shop.
create or replace view `reporting.orders_by_shop`
options (description = 'Orders of each shop')
as
select shop, count(*) as orders
from `warehouse.fact_orders`
group by shop
"""
MAIN = '''
"""orders_by_shop: query the orders of each shop."""

import functions_framework
from flask import Request, Response

from shared.api.metrics import routes
from shared.http.app import FunctionApp
from shared.metrics.orders_by_shop import METRIC

app = FunctionApp("orders_by_shop", routes(METRIC))


@functions_framework.http
def orders_by_shop(request: Request) -> Response:
    """Answer a call."""
    return app(request)
'''
FILES = {
    "tables": {"orders.py": TABLE},
    "metrics": {
        "orders_by_shop.py": METRIC,
        "orders_by_shop.sql": SQL,
        "orders_by_shop.view.sql": VIEW,
    },
    "functions/orders_by_shop": {"main.py": MAIN},
}
HIRING = re.compile(
    r"hired_employees|hires_by|departments_above|\bdepartments?\b|\bjobs?\b|fact_hires|dim_jobs"
    r"|dim_departments",
    re.IGNORECASE,
)
# Scheduled jobs and jobs of BigQuery are no jobs that people are hired for.
NO_HIRING = re.compile(r"\b(scheduled|load|query|cron|background) jobs?\b", re.IGNORECASE)

# What each thing that is derived from the dictionary and the metrics holds, as JSON.
DERIVED = """
import inspect
import json
from pathlib import Path
from infra import functions, gateway, smoke
from infra.cli import shapes
from infra.cli.commands import metrics as command
from shared import looker
from shared.api import api_docs, dashboard
from shared.settings import read
from shared.warehouse import apply, objects
from shared.warehouse.names import Names
from shared.warehouse.star import projections
import msgspec

names, found = Names("p", "w", "r"), functions.read()
document = api_docs.build()
print(json.dumps({
    "functions": [one.name for one in found],
    "gateway": gateway.build(gateway.routes(found), found),
    "document": document,
    "views": objects.view_texts(names),
    "tables": {one.target: apply.create_table_sql(names, one) for one in projections()},
    "reports": looker.link("p", "d"),
    "forms": msgspec.to_builtins(dashboard.forms(read({}))),
    "cards": msgspec.to_builtins(dashboard.cards()),
    "page": {str(path): path.read_text() for path in Path("shared/dashboard/page").rglob("*.*")},
    "smoke": [inspect.getsource(smoke), *map(str, smoke.all_metrics().values())],
    "shapes": shapes.shapes(document)["metrics"]["properties"],
    "options": [one.name for one in command.metrics.params],
}))
"""
ANSWERS = """
import json
from functions_framework import create_app
from shared import wiring
from shared.warehouse import state
from shared.warehouse.apply import apply
from shared.warehouse.bigquery import connect
from datetime import UTC, datetime

warehouse = connect(wiring.bigquery_client(), wiring.settings(), 60)
made = apply(warehouse, "US")
orders = warehouse.names.table("fact_orders")
warehouse.query(
    f"insert into {orders} (id, shop, ordered_at, ordered_on, accepted_at, load_id)"
    " select id, if(id = 3, 'Quito', 'Lima'), timestamp '2026-01-01 00:00:00+00',"
    " date '2026-01-01', timestamp '2026-01-02 00:00:00+00', 'x'"
    " from unnest([1, 2, 3]) as id"
)
state.record(warehouse, {"orders": datetime(2026, 1, 2, tzinfo=UTC)})
client = create_app("orders_by_shop", "functions/orders_by_shop/main.py").test_client()
token = {"X-Token": "a-token"}
print(json.dumps({
    "made": made,
    "all": client.get("/", headers=token).get_json(),
    "some": client.get("/orders_by_shop?least=2", headers=token).get_json(),
    "wrong": client.get("/?least=0", headers=token).get_json(),
    "csv": client.get("/", headers={**token, "Accept": "text/csv"}).get_data(as_text=True),
    "view": [dict(row) for row in warehouse.query(warehouse.names.resolved(
        "select shop, orders from `reporting.orders_by_shop` order by shop"))],
}))
"""


@dataclass
class Company:
    """A checkout of another company."""

    root: Path

    def run(self, code: str, **environment: str) -> Any:
        """Run a program in it; returns the JSON that it prints."""
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def orders(tmp_path_factory):
    """A copy of this checkout without the hiring tables, with one table and one metric."""
    written = tmp_path_factory.mktemp("written")
    for place, files in FILES.items():
        for name, text in files.items():
            path = written / place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    example = company.HIRING / "functions" / "hires_by_quarter" / "function.json"
    shutil.copy(example, written / "functions" / "orders_by_shop")
    names = ("functions", "shared", "infra", "pyproject.toml", "requirements.txt")
    return Company(company.copy(tmp_path_factory.mktemp("company"), written, *names))


@pytest.fixture(scope="module")
def derived(orders):
    """Everything that is derived from the dictionary and the metrics."""
    return orders.run(DERIVED)


PARTS = ("functions", "gateway", "document", "views", "tables", "reports", "forms", "cards", "page")


@pytest.mark.parametrize("part", [*PARTS, "smoke", "shapes", "options"])
def test_nothing_of_the_hiring_tables_is_left(derived, part):
    text = NO_HIRING.sub("", json.dumps(derived[part]))

    left = [text[max(0, found.start() - 60) : found.end() + 60] for found in HIRING.finditer(text)]

    assert left == []


# They write and load the demo's sample, which is of the hiring tables.
SAMPLE = {"infra/local/sample.py", "infra/local/demo.py"}


def test_no_other_code_names_the_hiring_tables_or_their_metrics():
    names = {"departments", "hired_employees", "hires_by_quarter", "departments_above_mean"}
    names |= {projection.target for projection in projections()}
    paths = {
        str(path.relative_to(ROOT)): path
        for folder in ("shared", "infra")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".sql", ".js", ".tf") and ".terraform" not in path.parts
    }
    others = {
        name: path
        for name, path in paths.items()
        if name not in SAMPLE and not name.startswith(("shared/tables/", "shared/metrics/"))
    }

    naming = {
        name
        for name, path in others.items()
        if re.search(rf"""["'`.]({"|".join(names)})["'`.]""", path.read_text("utf-8"))
    }

    # Docstrings may say for which table a golden file was written.
    assert {name for name in naming if not _is_only_golden(others[name])} == set()


def _is_only_golden(path: Path) -> bool:
    text = path.read_text("utf-8")
    return text.count("`hired_employees`") == text.count("hired_employees") == 1


def test_the_table_and_the_metric_are_everywhere(derived):
    assert "orders_by_shop" in derived["functions"]
    assert "/orders_by_shop" in derived["gateway"]["paths"]
    assert {"/orders_by_shop", "/read_rows/orders"} <= derived["document"]["paths"].keys()
    assert sorted(derived["views"]) == [
        "data_freshness",
        "load_history",
        "orders_by_shop",
        "rejects_by_reason",
    ]
    assert list(derived["tables"]) == ["fact_orders"]
    assert "partition by `ordered_on`" in derived["tables"]["fact_orders"]
    assert "ds.orders_by_shop.connector=bigQuery" in derived["reports"]
    assert [one["name"] for one in derived["cards"]["metrics"]] == ["orders_by_shop"]
    assert [one for one in derived["smoke"] if "name='orders_by_shop'" in one]
    assert list(derived["shapes"]) == ["orders_by_shop"]
    assert "least" in derived["options"]


def test_the_metric_answers_from_bigquery(orders, bigquery_endpoint):
    suffix = uuid.uuid4().hex
    found = orders.run(
        ANSWERS,
        GOOGLE_CLOUD_PROJECT=PROJECT,
        WAREHOUSE_DATASET=f"warehouse_{suffix}",
        REPORTING_DATASET=f"reporting_{suffix}",
        BIGQUERY_EMULATOR_HOST=bigquery_endpoint,
        TOKENS=json.dumps([apps.token("ann", "a-token", "metrics")]),
    )

    lima, quito = {"shop": "Lima", "orders": 2}, {"shop": "Quito", "orders": 1}
    as_of = "2026-01-02T00:00:00Z"
    assert "fact_orders" in found["made"]
    assert "orders_by_shop" in found["made"]
    assert found["all"] == {"least": 1, "as_of": as_of, "rows": [lima, quito]}
    assert found["some"] == {"least": 2, "as_of": as_of, "rows": [lima]}
    assert found["wrong"]["type"].endswith(":unusable-parameter")
    assert "from 1 to 1000" in found["wrong"]["detail"]
    assert found["csv"] == "shop,orders\r\nLima,2\r\nQuito,1\r\n"
    assert found["view"] == [lima, quito]
