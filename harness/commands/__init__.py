"""Commands of ``python -m harness``, one file each."""
