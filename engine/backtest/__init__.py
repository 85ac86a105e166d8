"""Backtests: a fast kernel over arrays, the faithful core over a matching book, and what their results mean."""
