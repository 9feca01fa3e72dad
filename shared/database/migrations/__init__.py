"""Alembic's migrations of the platform's own tables."""
