"""The Textual station: app, screens, key map, command line. A client of an engine; it never trades by itself."""
