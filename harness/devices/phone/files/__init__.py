"""Files on their way to a phone, and what is stored there."""
