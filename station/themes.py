"""The station's colours. `amber` tells profit from loss by blue and orange, for eyes that red and green are one to."""

from __future__ import annotations

from textual.theme import Theme

THEMES: tuple[Theme, ...] = (
    Theme(
        name="trefoil",
        primary="#3d7ea6",
        secondary="#8f7ac2",
        warning="#d9a441",
        error="#e0555b",
        success="#3fb27f",
        accent="#4fc3c7",
        foreground="#d6dde3",
        background="#0e1418",
        surface="#141c22",
        panel="#1a242b",
        dark=True,
    ),
    Theme(
        name="amber",
        primary="#4f7fa8",
        secondary="#9a8fb8",
        warning="#e6d36a",
        error="#e08a2c",
        success="#4aa3ff",
        accent="#b8c7d6",
        foreground="#dde3e8",
        background="#101316",
        surface="#161b20",
        panel="#1d242a",
        dark=True,
    ),
    Theme(
        name="paper-white",
        primary="#2f6690",
        secondary="#6b5b95",
        warning="#9a6b00",
        error="#b3261e",
        success="#1b7f4b",
        accent="#00696d",
        foreground="#1c2226",
        background="#fbfaf7",
        surface="#f2f0ea",
        panel="#e8e5dd",
        dark=False,
    ),
    Theme(
        name="contrast",
        primary="#5aa9ff",
        secondary="#d0b0ff",
        warning="#ffd400",
        error="#ff4d4d",
        success="#33ff99",
        accent="#00e5ff",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#111111",
        dark=True,
    ),
)
NAMES = tuple(theme.name for theme in THEMES)
