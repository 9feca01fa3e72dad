"""A Pub/Sub server for one machine: Google's wire protocol over one SQLite file."""
