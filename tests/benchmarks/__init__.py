"""Benchmarks, run by hand. Each compares rates that it measures in the same run."""
