"""Which engine a station shows, and what has still to be started for it once the screen is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.errors import BadInput
from headless.session import DEMO_SETTINGS, NOBODY, Process, Session, lives, read_session, spawn, stop, write_session
from station.old_demos import remove_old_demos
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


def start_engine(home: Home, options: dict[str, object], tell: str = "") -> Process:
    """The engine process of a data directory.

    Args:
        home: of the engine.
        options: as `headless.options.Options` reads them, all but the directory.
        tell: secrets, for its stdin.
    """
    text = msgspec.json.encode({"home": str(home.root), **options}).decode()
    return spawn(["headless.daemon", text], home.engine_log, tell=tell)


def running(session: Session) -> Launch:
    """An engine that runs already."""
    return Launch(Path(session.folder), session.mode, lambda: None)


def fresh_folder(home: Home, kind: str) -> Path:
    """A data directory that no demo had before; it is not made here."""
    return home.root / "demo" / f"{kind}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{time.time_ns() % 1_000_000}"


def demo(home: Home, simulate_arguments: list[str], *, plain: bool, lockstep: bool) -> Launch:
    """Attach to a living demo, revive its engine, or begin a new one with an exchange of its own.

    Args:
        home: of this user.
        simulate_arguments: what is to be played.
        plain: nothing in particular was asked for: a demo that runs will do, whatever it plays.
        lockstep: the exchange waits for the engine after each bar.

    Raises:
        BadInput: a demo runs that plays something else.
    """
    known = read_session(home.run / "session.json")
    if known is not None and known.mode == "demo":
        same = list(known.simulate) == simulate_arguments
        if lives(known.engine):
            if same or plain:
                return running(known)
            raise BadInput(
                "demo",
                " ".join(simulate_arguments),
                f"one runs already with {' '.join(known.simulate)}; trefoil attach shows it, q and s stop it",
            )
        if same and lives(known.simulator):
            return Launch(Path(known.folder), "demo", lambda: _begin_engine(home, known, lockstep=lockstep))
    folder = fresh_folder(home, "demo")
    Home(folder).create()
    return Launch(folder, "demo", lambda: _begin_demo(home, folder, simulate_arguments, known, lockstep=lockstep))


def _begin_demo(
    home: Home, folder: Path, simulate_arguments: list[str], before: Session | None, *, lockstep: bool
) -> None:
    """An exchange, and an engine on it; the exchange of the demo before has nobody left and ends."""
    if before is not None:
        stop(before.simulator)
    remove_old_demos(home, time.time())
    # it outlives its engine, as an exchange would, but not for ever
    arguments = ["station.cli", "simulate", *simulate_arguments, "--unheard", str(UNHEARD_S)]
    simulator = spawn(arguments, Home(folder).logs / "simulator.log", folder / "simulator.json")
    session = Session(
        folder=str(folder), engine=NOBODY, simulator=simulator, mode="demo", simulate=tuple(simulate_arguments)
    )
    _begin_engine(home, session, lockstep=lockstep)


def _begin_engine(home: Home, session: Session, *, lockstep: bool) -> None:
    folder = Path(session.folder)
    options = {
        "mode": "demo",
        "simulator": str(folder / "simulator.json"),
        "lockstep": lockstep,
        "settings": DEMO_SETTINGS,
    }
    engine = start_engine(Home(folder), options)
    write_session(home.run / "session.json", msgspec.structs.replace(session, engine=engine))


def check_config(home: Home) -> None:
    """A wrong setting is told where the command was typed, not only on the screen; BadInput says which."""
    if home.config.exists():
        from headless.config import read_config  # a fifth of a second, for those who have a file

        read_config(home.config)


def paper(home: Home) -> Launch:
    """Attach to the engine of this data directory, or start one on live public prices with a paper account.

    Raises:
        BadInput: the configuration is wrong.
    """
    known = read_session(home.run / "session.json")
    if known is not None and lives(known.engine):
        return running(known)
    check_config(home)
    return Launch(home.root, "paper", lambda: _begin_paper(home))


def _begin_paper(home: Home) -> None:
    engine = start_engine(home, {"mode": "paper"})
    write_session(home.run / "session.json", Session(folder=str(home.root), engine=engine, mode="paper"))
