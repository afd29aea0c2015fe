"""Scenes, trainer and committed checkpoints of the tiny models."""
