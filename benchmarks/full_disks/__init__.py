"""Disks of phone and host that fill up at every moment of a session, and what that costs it."""
