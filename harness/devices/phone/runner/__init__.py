"""A runner on a phone: its command, what it prints and answers, and its files there."""
