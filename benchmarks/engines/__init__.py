"""How fast other engines run the same weights on this machine, beside our runner."""
