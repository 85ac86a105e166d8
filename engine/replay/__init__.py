"""A recorded day once more: what the desk did, what the faithful backtest does with the same bars, and why they differ."""
