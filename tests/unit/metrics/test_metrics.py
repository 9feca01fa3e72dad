"""What a metric declares: checked when it is read, and enough to make its answer."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from shared import metrics
from shared.errors import ConfigurationError, UnusableParameter
from shared.metrics.departments_above_mean import METRIC, DepartmentsAboveMean
from shared.metrics.metric import AsOf, Probe
from shared.metrics.parameters import YEAR, Parameter

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LEAST = Parameter("least", "The least.", -5, 10, 0)


def test_every_metric_is_found_by_the_name_of_its_file():
    assert list(metrics.all_metrics()) == sorted(metrics.all_metrics())
    assert all(name == metric.name for name, metric in metrics.all_metrics().items())


class Bare(msgspec.Struct):
    """An answer without the year that it is of."""

    as_of: AsOf
    rows: list[DepartmentsAboveMean]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"name": "other"}, "its file is named 'departments_above_mean'"),
        ({"name": "load_history"}, "a view of the platform has that name"),
        ({"name": "other"}, "there is no other.sql beside it"),
        ({"name": "other"}, "there is no other.view.sql beside it"),
        ({"counts": ("offices",)}, "'offices' is not a table (departments, jobs, hired_employees)"),
        ({"parameters": (LEAST,)}, "its document has no field 'least'"),
        ({"document": Bare}, "its document has no field 'year'"),
        ({"measures": ("fired",)}, "'fired' is not a column (id, department, hired)"),
        ({"mean": "median"}, "'median' is not a field of its document (year, as_of, mean, rows)"),
        (
            {"probe": Probe("jobs", {})},
            "'jobs' is not a counted table (departments, hired_employees)",
        ),
        ({"probe": Probe("departments", {"no": 1})}, "'no' is not a field of its probe's table"),
    ],
)
def test_a_metric_that_contradicts_itself_is_refused_with_its_reason(changed, why):
    with pytest.raises(ConfigurationError) as caught:
        metrics.check("departments_above_mean", replace(METRIC, **changed))

    assert why in str(caught.value)
    assert "departments_above_mean.py in shared/metrics" in str(caught.value)


def test_its_rows_and_their_columns_are_those_of_its_document():
    assert METRIC.columns == ("id", "department", "hired")
    assert METRIC.texts == ("department",)


def test_what_is_the_same_in_all_rows_is_told_once():
    row = {"as_of": NOON, "mean": 1.5, "id": 7, "department": "Legal", "hired": 2}

    answer = METRIC.answer({"year": 2020}, [row, {**row, "id": 8}])

    assert (answer.year, answer.as_of, answer.mean) == (2020, NOON, 1.5)
    assert [(one.id, one.department, one.hired) for one in answer.rows] == [
        (7, "Legal", 2),
        (8, "Legal", 2),
    ]


def test_a_row_without_a_first_column_is_there_only_for_the_rest():
    row = {"as_of": None, "mean": None, "id": None, "department": None, "hired": None}

    answer = METRIC.answer({"year": 2020}, [row])

    assert answer == DepartmentsAboveMean(2020, None, None, [])


class Sum(msgspec.Struct):
    """A sum that is exact."""

    sum: Decimal


class Sums(msgspec.Struct):
    """Sums of a year."""

    year: int
    as_of: AsOf
    rows: list[Sum]


@pytest.mark.parametrize(
    ("stored", "written"),
    [
        ("9.950000000", "9.95"),
        ("-0.500000000", "-0.5"),
        ("100.000000000", "100"),
        ("0E-9", "0"),
        ("1" * 38 + "." + "2" * 37 + "0", "1" * 38 + "." + "2" * 37),
    ],
)
def test_a_decimal_is_written_without_zeros_at_its_end(stored, written):
    metric = replace(METRIC, document=Sums, measures=(), mean=None)

    answer = metric.answer({"year": 2020}, [{"as_of": NOON, "sum": Decimal(stored)}])

    assert str(answer.rows[0].sum) == written


def test_an_answer_is_summed_up_in_a_line():
    answer = {"year": 2021, "as_of": None, "mean": 7.125, "rows": []}

    assert METRIC.summed_up(answer) == "departments_above_mean 2021, mean 7.12"
    assert METRIC.summed_up({**answer, "mean": None}) == "departments_above_mean 2021, mean None"


@pytest.mark.parametrize(("text", "value"), [("-5", -5), ("10", 10), ("0", 0), (None, 0)])
def test_a_number_in_range_is_accepted(text, value):
    assert LEAST.parse(text) == value


@pytest.mark.parametrize("text", ["-6", "11", "", "+1", "01", "-0x", "1.0", " 1", "1\n", "9" * 40])
def test_another_text_is_refused_with_the_range(text):
    with pytest.raises(
        UnusableParameter, match=r"least is a number from -5 to 10, such as least=0"
    ):
        LEAST.parse(text)


def test_the_year_is_of_the_calendar():
    assert (YEAR.minimum, YEAR.maximum, YEAR.default) == (1900, 2200, 2021)
