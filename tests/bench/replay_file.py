"""The whole recorded month at maximum speed through simulator and engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FILE = "binance_usdm_BTCUSDT_1m_2025-05.parquet"


def measure() -> dict[str, object]:
    """Seconds for the file; skipped, and said so, where the recorded data are not there."""
    root = Path(__file__).resolve().parents[3] / "shared" / "data"
    file = Path(os.environ.get("TREFOIL_TEST_DATA", root)) / "candles" / FILE
    if not file.is_file():
        return {"skipped": f"{FILE} not found; set TREFOIL_TEST_DATA"}
    with tempfile.TemporaryDirectory() as folder:
        command = ["demo", "--headless", "--seconds", "600", "--json", "--speed", "max", "--replay", str(file)]
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "station.cli", *command],
            env={**os.environ, "TREFOIL_HOME": folder},
            capture_output=True,
            text=True,
            check=True,
        )
        return {"seconds": round(time.perf_counter() - began, 1), "goal_s": 150, **json.loads(done.stdout)}
