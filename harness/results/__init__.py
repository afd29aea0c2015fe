"""Rows of a session: written as JSONL, read back for reports."""
