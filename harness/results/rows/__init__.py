"""What a session writes down; ``schema`` has every kind of row."""
