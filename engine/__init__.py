"""Everything that decides and trades: no Textual, no SQL."""
