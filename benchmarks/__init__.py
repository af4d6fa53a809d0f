"""Benchmarks that the documentation quotes. Not part of the wheel."""
