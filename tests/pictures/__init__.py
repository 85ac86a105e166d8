"""Pictures for the documentation, taken from the running demo."""
