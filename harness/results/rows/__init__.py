"""Rows of a session, a module for each kind."""
