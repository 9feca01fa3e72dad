"""Backs tables up as Avro on Cloud Storage, and restores them.

A backup is an Avro object `{table}/{snapshot time}-{id}.avro` in the backups bucket together with
its manifest, a `.json` object of the same name. An object without a manifest is not a backup.
"""
