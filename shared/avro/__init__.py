"""Reads and writes Avro object container files in bulk, for backups and the warehouse."""
