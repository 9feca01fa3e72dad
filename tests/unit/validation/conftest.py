"""What the rules were asked about: a quick way taken asks them nothing."""

import pytest

from shared.tables.kind import Kind
from shared.validation import row


@pytest.fixture
def asked(monkeypatch):
    """The values that the rules were asked about, in order."""
    found = []
    rule = Kind.deserialize

    def deserialize(field, value, *arguments, **keywords):
        found.append(value)
        return rule(field, value, *arguments, **keywords)

    monkeypatch.setattr(Kind, "deserialize", deserialize)
    row._short_cell.cache_clear()
    yield found
    row._short_cell.cache_clear()
