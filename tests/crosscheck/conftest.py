"""Where the independent libraries are not installed, the group is skipped and says how to get them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.absent import absent

PYTHON = Path(__file__).resolve().parents[2] / ".venv-crosscheck" / "bin" / "python"


@pytest.fixture(scope="session", autouse=True)
def _libraries() -> None:
    if not PYTHON.exists():
        absent(
            "backtesting.py and backtrader are not installed: run `make crosscheck` (tests/crosscheck/setup.sh)",
            insists="TREFOIL_CROSSCHECK",
        )
