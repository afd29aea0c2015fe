"""What a virtual phone is made of: its file system, processes and condition."""
