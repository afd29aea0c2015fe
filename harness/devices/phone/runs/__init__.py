"""Long commands on a phone that outlive a connection."""
