"""More training samples from those there are."""
