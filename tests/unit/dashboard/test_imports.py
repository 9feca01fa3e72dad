"""The door is light until it is called: the page itself needs neither database nor storage."""

from tests.unit.http.test_imports import HEAVY, loaded_by


def test_the_page_is_served_without_anything_heavy():
    statement = (
        "import functions.dashboard.main as main; "
        "from werkzeug.test import EnvironBuilder; from flask import Request; "
        "main.DOOR(Request(EnvironBuilder('/dashboard').get_environ()))"
    )

    assert HEAVY & loaded_by(statement) == set()
