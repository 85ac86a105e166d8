"""Semantic colours as component classes, resolved by each theme's own CSS variables.

A widget writes text in tones such as ``profit`` or ``dim`` and never names a colour; a theme (a colour-blind-safe one
too) says what its success, error, warning and accent colours are. A tone never stands alone: signs and arrows say the
same without colour.
"""

from __future__ import annotations

TONES: dict[str, str] = {
    "text": "color: $foreground;",
    "strong": "color: $foreground; text-style: bold;",
    "dim": "color: $foreground 55%;",
    "faint": "color: $foreground 28%;",
    "accent": "color: $text-accent;",
    "profit": "color: $text-success;",
    "loss": "color: $text-error;",
    "long": "color: $text-success;",
    "short": "color: $text-error;",
    "warn": "color: $text-warning;",
    "alarm": "color: auto 95%; background: $error; text-style: bold;",
    "up": "color: $success;",
    "down": "color: $error;",
    "up-faint": "color: $success 45%;",
    "down-faint": "color: $error 45%;",
    "stop": "color: $error;",
    "target": "color: $success;",
    "entry": "color: $accent;",
    "overlay-0": "color: $warning;",
    "overlay-1": "color: $primary-lighten-2;",
    "overlay-2": "color: $secondary-lighten-3;",
    "overlay-3": "color: $accent-lighten-2;",
    "demo": "color: auto 95%; background: $primary-lighten-2; text-style: bold;",
    "paper": "color: auto 95%; background: $warning; text-style: bold;",
    "live": "color: #ffffff; background: $error; text-style: bold;",
    "cursor": "background: $primary 35%;",
    "marked": "background: $foreground 8%;",
    "under-live": "background: $error 30%;",
    "under-halt": "background: $warning 25%;",
}

COMPONENTS = frozenset(f"tone--{name}" for name in TONES)


def tone_css(selector: str) -> str:
    """Textual CSS giving every tone of the widgets that match `selector` its colour."""
    return "\n".join(f"{selector} > .tone--{name} {{ {rules} }}" for name, rules in TONES.items())


def signed_tone(value: float) -> str:
    """``profit`` above zero, ``loss`` below, ``text`` at zero."""
    return "profit" if value > 0 else "loss" if value < 0 else "text"


def side_tone(side: int) -> str:
    """``long`` for +1, ``short`` for -1, ``dim`` for 0."""
    return "long" if side > 0 else "short" if side < 0 else "dim"


def side_arrow(side: int) -> str:
    """An arrow that says the side without colour."""
    return "▲" if side > 0 else "▼" if side < 0 else "▬"


def side_word(side: int) -> str:
    """LONG, SHORT or FLAT."""
    return "LONG" if side > 0 else "SHORT" if side < 0 else "FLAT"
