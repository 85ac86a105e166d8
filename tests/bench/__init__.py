"""The program's speed and memory, measured: ``make bench`` prints JSON. Nothing here asserts a time."""
