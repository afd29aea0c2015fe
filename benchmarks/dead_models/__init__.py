"""Models that are dead in many ways, and what sessions of the suites say of them."""
