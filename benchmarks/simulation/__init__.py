"""Sessions, comparisons and histories that never happened, judged by the product's functions."""
