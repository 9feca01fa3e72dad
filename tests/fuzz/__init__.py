"""Fuzzing of what is read from strangers: coverage-guided with atheris, and its corpus replayed."""
