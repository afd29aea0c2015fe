"""Drawn scenes, questions about them, and the committed checkpoints of the tiny models."""
