"""Seeded chaos: an engine under named faults over real sockets, and what must hold afterwards."""
