"""Reusable parts of the screen; they know engine.model and engine.view only."""
