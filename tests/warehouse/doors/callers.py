"""Who calls the warehouse's doors, and the headers they send."""

TOKENS = {"metrics": "a-token-of-the-tests", "backups": "another-token-of-the-tests"}
METRICS = {"X-Token": TOKENS["metrics"]}
BACKUPS = {"X-Token": TOKENS["backups"]}
