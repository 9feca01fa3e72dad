"""The gate: which rows may pass, and why the others may not."""
