"""Chaos: random work and random faults against a running platform, and what must hold after it."""
