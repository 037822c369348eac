"""How fast the product is at the size of years."""
