"""Exchange keys at rest: the OS keyring, an encrypted vault file, or the environment. Never plain text on disk."""
