"""Float weights to codes and scales, chosen so that what a layer computes changes least."""
