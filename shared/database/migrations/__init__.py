"""Alembic's migrations of the platform's own tables, and what brings the database up to date."""
