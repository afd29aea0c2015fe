"""Backends a graph is lowered to."""
