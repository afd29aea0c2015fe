"""Checkpoint folders of published models' geometry, where the models themselves cannot be had."""
