"""How the miniatures came about: their trainer and what it needs."""
