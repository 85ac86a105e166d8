"""SQLAlchemy: journal, history, candles on disk, migrations."""
