"""The research process: backtests for a screen, away from the engine that trades and from the station that draws."""
