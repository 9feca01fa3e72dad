"""`python -m tests.golden`: rewrite the golden files."""

from tests.golden import rewrite

rewrite()
