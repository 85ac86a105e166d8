"""Which engine a station shows, and what has still to be started for it once the screen is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headless.session import Session
    from storage.home import Home

UNHEARD_S = 600.0


@dataclass(frozen=True)
class Launch:
    """An engine to show.

    Processes that start beside the station would take its cores while it paints for the first time; so it is the station
    that says when.

    Attributes:
        folder: the engine's data directory.
        mode: demo, paper or live; empty where only the engine knows.
        begin: starts what does not run yet; to be called once. Raises OSError where a process or its log cannot be made.
    """

    folder: Path
    mode: str
    begin: Callable[[], None]


def running(session: Session) -> Launch:
    """An engine that runs already."""
    return Launch(Path(session.folder), session.mode, lambda: None)


def fresh_folder(home: Home, kind: str) -> Path:
    """A data directory that no demo had before; it is not made here."""
    return home.root / "demo" / f"{kind}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{time.time_ns() % 1_000_000}"


def demo(home: Home, simulate_arguments: list[str], *, lockstep: bool) -> Launch:
    """Attach to a living demo, revive its engine, or begin a new one with an exchange of its own."""
    from headless.session import Session, lives, read_session, spawn, write_session
    from storage.home import Home as Homes

    file = home.run / "session.json"
    known = read_session(file)
    if known is not None and lives(known.simulator):
        folder = Path(known.folder)
        if lives(known.engine):
            return running(known)
    else:
        known = None
        folder = fresh_folder(home, "demo")
        Homes(folder).create()

    def begin() -> None:
        if known is None:
            # it outlives its engine, as an exchange would, but not for ever
            arguments = ["station.cli", "simulate", *simulate_arguments, "--unheard", str(UNHEARD_S)]
            simulator = spawn(arguments, Homes(folder).logs / "simulator.log", folder / "simulator.json")
        else:
            simulator = known.simulator
        engine = spawn(["headless.daemon", _demo_options(folder, lockstep=lockstep)], Homes(folder).engine_log)
        write_session(file, Session(folder=str(folder), engine=engine, simulator=simulator, mode="demo"))

    return Launch(folder, "demo", begin)


def _demo_options(folder: Path, *, lockstep: bool) -> str:
    import msgspec

    from headless.session import DEMO_SETTINGS

    options = {
        "home": str(folder),
        "mode": "demo",
        "simulator": str(folder / "simulator.json"),
        "lockstep": lockstep,
        "settings": DEMO_SETTINGS,
    }
    return msgspec.json.encode(options).decode()


def paper(home: Home) -> Launch:
    """Attach to the engine of this data directory, or start one on live public prices with a paper account."""
    import msgspec

    from headless.session import Session, lives, read_session, spawn, write_session

    file = home.run / "session.json"
    known = read_session(file)
    if known is not None and lives(known.engine):
        return running(known)

    def begin() -> None:
        options = {"home": str(home.root), "mode": "paper"}
        engine = spawn(["headless.daemon", msgspec.json.encode(options).decode()], home.engine_log)
        write_session(file, Session(folder=str(home.root), engine=engine, mode="paper"))

    return Launch(home.root, "paper", begin)
