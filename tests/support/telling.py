"""Notes that a passing test prints, such as how often it killed something."""

from collections.abc import Callable

import pytest

_NOTE = "note"


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Prints a text at the end of the run, whichever process runs the test."""
    return lambda text: record_property(_NOTE, text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the notes of the tests."""
    notes = [
        (report.nodeid, text)
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, text in report.user_properties
        if name == _NOTE
    ]
    if notes:
        terminalreporter.section("notes")
    for nodeid, text in notes:
        terminalreporter.write_line(nodeid)
        terminalreporter.write_line(text)
