"""What the trainer must know of each family, one file per family."""
