"""Connections to phones and what may be said over them."""
