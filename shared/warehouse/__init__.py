"""BigQuery: the star schema, what keeps it equal to PostgreSQL, and the metrics on it."""
