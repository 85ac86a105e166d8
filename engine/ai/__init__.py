"""The ensemble: three models are asked about a candidate and vote."""
