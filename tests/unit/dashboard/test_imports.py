"""The page needs neither database nor storage, so serving it imports neither library."""

from tests.unit.http.test_imports import HEAVY, loaded_by


def test_serving_the_page_imports_nothing_heavy():
    statement = (
        "import functions.dashboard.main as main; "
        "from werkzeug.test import EnvironBuilder; from flask import Request; "
        "main.app(Request(EnvironBuilder('/dashboard').get_environ()))"
    )

    assert HEAVY & loaded_by(statement) == set()
