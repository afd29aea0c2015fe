"""The same inputs through every stage, float to phone, and where the signal drops."""
