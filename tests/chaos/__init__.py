"""Chaos tests: random work and random faults on a running platform, and checks of the outcome."""
