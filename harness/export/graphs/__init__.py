"""Static modules that become the graphs of an artifact."""
