"""Backups: tables as Avro on Cloud Storage, and back.

A backup is an Avro object `{table}/{snapshot time}-{id}.avro` in the backups bucket together with
its manifest, `….json` beside it. An object without a manifest is no backup.
"""
