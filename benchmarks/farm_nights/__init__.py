"""How long a farm takes for a night, against the shortest time that any order could take."""
