"""PostgreSQL: the engine, migrations, COPY and composed SQL."""
