"""PostgreSQL: the engine, migrations and bulk COPY."""
