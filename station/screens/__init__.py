"""One screen a file: layout and messages."""
