"""Builds what people and CI systems read from the rows of a run."""
