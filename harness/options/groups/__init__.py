"""The options, by what they are about."""
