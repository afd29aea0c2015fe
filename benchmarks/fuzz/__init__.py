"""Files of strangers, mutated, against what reads them in a session."""
