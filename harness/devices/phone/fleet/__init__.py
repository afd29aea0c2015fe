"""Which phones there are and who holds them."""
