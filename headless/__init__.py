"""The daemon, the control server, its client and protocol."""
