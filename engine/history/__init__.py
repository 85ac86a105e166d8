"""History of a market: what is missing, and asking a source for it."""
