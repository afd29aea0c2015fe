"""A third family in a package of its own, as somebody outside would write it."""
