"""A Pub/Sub server for one machine: Google's wire protocol, kept in one SQLite file."""
