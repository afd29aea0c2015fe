"""Every option of every command: one table, from which command lines and files are read."""
