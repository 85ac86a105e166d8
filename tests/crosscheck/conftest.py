"""Where the independent libraries are not installed, the group is skipped and says how to get them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

PYTHON = Path(__file__).resolve().parents[2] / ".venv-crosscheck" / "bin" / "python"


@pytest.fixture(scope="session", autouse=True)
def _libraries() -> None:
    if not PYTHON.exists():
        reason = "backtesting.py and backtrader are not installed: run `make crosscheck` (tests/crosscheck/setup.sh)"
        if os.environ.get("TREFOIL_CROSSCHECK"):
            pytest.fail(reason)
        pytest.skip(reason)
