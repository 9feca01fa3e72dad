"""Callers of the warehouse's functions: their tokens and headers."""

TOKENS = {"metrics": "a-token-of-the-tests", "backups": "another-token-of-the-tests"}
METRICS = {"X-Token": TOKENS["metrics"]}
BACKUPS = {"X-Token": TOKENS["backups"]}
