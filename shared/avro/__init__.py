"""Avro object container files, read and written in bulk: for backups and for the warehouse."""
