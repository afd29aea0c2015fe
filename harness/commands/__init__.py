"""Commands of ``python -m harness``."""
