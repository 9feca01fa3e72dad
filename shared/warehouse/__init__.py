"""BigQuery: the star schema, its sync with PostgreSQL, and the metrics on it."""
