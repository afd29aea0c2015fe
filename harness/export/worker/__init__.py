"""The process that exports one component."""
