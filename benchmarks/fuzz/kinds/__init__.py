"""What is mutated: a module each, listed in ``benchmarks.fuzz.registry``."""
