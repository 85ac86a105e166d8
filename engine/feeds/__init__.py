"""Market data: every feed puts what it hears into a FeedSink."""
