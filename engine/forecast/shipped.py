"""Models that come with the package: trained on the simulated exchange's own prices, for the demo."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "models"
