"""The names of the warehouse's tables, in SQL and for the API."""

import pytest

from shared.errors import ConfigurationError
from shared.settings import read
from shared.warehouse import names
from shared.warehouse.names import Names, quoted

NAMES = Names("a-project", "stars", "reports")


def test_names_in_a_text_are_replaced_by_the_real_ones():
    text = "select x from `warehouse.dim_jobs` join `reporting.load_history` using (warehouse)"

    assert NAMES.resolved(text) == (
        "select x from `a-project.stars.dim_jobs` join `a-project.reports.load_history`"
        " using (warehouse)"
    )


def test_a_statement_of_a_file_has_the_real_names():
    assert "from `a-project.stars.sync_state`" in NAMES.text("views", "data_freshness")


def test_the_names_are_read_from_the_settings():
    settings = read(
        {
            "GOOGLE_CLOUD_PROJECT": "a-project",
            "WAREHOUSE_DATASET": "stars",
            "REPORTING_DATASET": "reports",
        }
    )

    assert names.of(settings) == NAMES


def test_without_a_project_there_are_no_names():
    with pytest.raises(ConfigurationError, match="GOOGLE_CLOUD_PROJECT"):
        names.of(read({}))


@pytest.mark.parametrize("name", ["", "a`b", "a b", "a;b", "é", "a\n"])
def test_a_name_that_ours_never_are_is_not_quoted(name):
    with pytest.raises(ValueError, match="cannot be used as a name"):
        quoted(name)
