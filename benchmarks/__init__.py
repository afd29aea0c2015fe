"""Timings of our own code, which tests must not assert."""
