"""The frozen words of the house: instruments, quotes, orders, positions, signals, commands, events, decisions."""
