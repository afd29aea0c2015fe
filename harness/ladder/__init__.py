"""The same inputs through every stage, float model to files, and where the signal drops."""
