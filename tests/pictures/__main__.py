"""``python -m tests.pictures FOLDER [SECONDS]``: start a demo, let it trade, and save the desk at three sizes as SVG."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from pathlib import Path

import psutil

from headless.client import EngineClient
from headless.session import Process, read_session, stop
from station import launch
from station.app import StationApp
from storage.home import Home

SIZES = ((80, 24), (120, 40), (200, 60))
SECONDS = 420.0
ENDS_S = 60.0


async def take(folder: Path, engine: Path, seconds: float) -> None:
    """Watch for `seconds` at the widest size, so that everything has been asked for, then save all sizes."""
    for width, height in reversed(SIZES):
        client = EngineClient(Home(engine).socket, Home(engine).engine_log)
        app = StationApp(client, keys={}, theme="", symbol=None)
        async with app.run_test(size=(width, height)) as pilot:
            await asyncio.sleep(seconds if width == SIZES[-1][0] else 8.0)
            await pilot.pause()
            app.save_screenshot(f"desk-{width}x{height}.svg", path=str(folder))
            print(f"desk-{width}x{height}.svg", flush=True)


def end(processes: list[Process]) -> None:
    """Stop them, and wait until nobody writes into the folder any more."""
    for process in processes:
        stop(process)
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(process.pid).wait(ENDS_S)


def main() -> None:
    """Take them and stop the demo."""
    folder = Path(sys.argv[1]).absolute()
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else SECONDS
    with tempfile.TemporaryDirectory() as home_folder:
        home = Home(Path(home_folder)).create()
        found = launch.demo(home, ["--seed", "7", "--speed", "1"], plain=False, lockstep=False)
        found.begin()
        try:
            asyncio.run(take(folder, found.folder, seconds))
        finally:
            session = read_session(home.run / "session.json")
            if session is not None:
                end([process for process in (session.engine, session.simulator) if process is not None])


if __name__ == "__main__":
    main()
