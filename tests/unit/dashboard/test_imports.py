"""The page needs neither database nor storage, so it is served without their libraries."""

from tests.unit.http.test_imports import HEAVY, loaded_by


def test_the_page_is_served_without_anything_heavy():
    statement = (
        "import functions.dashboard.main as main; "
        "from werkzeug.test import EnvironBuilder; from flask import Request; "
        "main.app(Request(EnvironBuilder('/dashboard').get_environ()))"
    )

    assert HEAVY & loaded_by(statement) == set()
