"""What decides verdicts, benches and comparisons; knows no pytest."""
