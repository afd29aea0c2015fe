"""Pure functions over samples: metrics, statistics, gates, verdicts."""
