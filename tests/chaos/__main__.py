"""``python -m tests.chaos --seeds A:B [--json] [--jobs N]``: run seeds, print a table, name what is broken."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import resource
import shutil
import signal
import socket
import sys
import tempfile
import time
from multiprocessing import get_context
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any, cast

from engine.errors import InvariantBroken
from tests.chaos.nursery import Nursery, serve
from tests.chaos.plan import NAMES, VENUES, plan
from tests.chaos.run import Result, run

HUNG_S = 100
LEAST_HITS = 20
LEAST_KILLS = 200
FULL = 1_000
JOBS = 8
LOG = "run.log"
FORK = get_context("fork")


def import_everything() -> None:
    """What an engine would import, so that a forked one begins at once."""
    import ccxt.pro  # noqa: F401 - for the children

    from engine import readings
    from engine.ai.models import anthropic_model, ollama_model, openai_model  # noqa: F401 - for the children
    from headless import assembly, daemon, live  # noqa: F401 - for the children
    from storage import history, migrate  # noqa: F401 - for the children

    readings.warm_up()
    gc.collect()
    gc.freeze()


def make_template(folder: Path) -> Path:
    """A migrated empty database; made in a process of its own, since it starts threads."""
    file = folder / "template.db"
    made = FORK.Process(target=_migrate, args=(file,))
    made.start()
    made.join()
    if made.exitcode != 0:
        raise InvariantBroken(f"the empty database could not be made: exit code {made.exitcode}")
    return file


def _migrate(file: Path) -> None:
    from storage import migrate
    from storage.database import Database

    async def upgrade() -> None:
        database = Database(f"sqlite+aiosqlite:///{file}")
        await migrate.upgrade(database)
        await database.close()

    asyncio.run(upgrade())


def one_seed(seed: int, folder: Path, template: Path) -> None:
    """In a process of its own: give birth to a nursery, then play; the result is a file, what went wrong another."""
    log = os.open(folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 2)
    ours, theirs = socket.socketpair()
    nursery = FORK.Process(target=_nurse, args=(theirs, ours))
    nursery.start()
    theirs.close()
    signal.alarm(HUNG_S + 30)
    result = asyncio.run(asyncio.wait_for(run(plan(seed), folder / "run", Nursery(ours), template), HUNG_S))
    ours.close()
    nursery.join()
    (folder / "result.json").write_text(json.dumps(result.as_dict()))


def _nurse(sock: socket.socket, other: socket.socket) -> None:
    other.close()
    serve(sock)


def run_all(seeds: range, jobs: int, *, keep: bool, loud: bool) -> list[dict[str, Any]]:
    """Fork a process a seed, `jobs` at once."""
    results: list[dict[str, Any]] = []
    running: dict[int, tuple[int, ForkProcess]] = {}
    waiting = list(reversed(seeds))
    root = Path(tempfile.mkdtemp(prefix="trefoil-chaos-"))
    template = make_template(root)
    while waiting or running:
        while waiting and len(running) < jobs:
            seed = waiting.pop()
            (root / str(seed)).mkdir()
            process = FORK.Process(target=one_seed, args=(seed, root / str(seed), template))
            process.start()
            running[process.sentinel] = (seed, process)
        for sentinel in wait(list(running)):
            seed, process = running.pop(cast("int", sentinel))
            process.join()
            folder = root / str(seed)
            results.append(result_of(seed, folder, process.exitcode))
            process.close()
            if loud and results[-1]["broken"]:
                print(json.dumps(results[-1]), file=sys.stderr, flush=True)
            if not (keep and results[-1]["broken"]):
                shutil.rmtree(folder, ignore_errors=True)
    if keep:
        print(f"kept in {root}", file=sys.stderr)
    else:
        shutil.rmtree(root, ignore_errors=True)
    return sorted(results, key=lambda result: int(result["seed"]))


def result_of(seed: int, folder: Path, code: int | None) -> dict[str, Any]:
    """What a seed's process left; without a result the seed is broken, and the end of its log says how."""
    file, log = folder / "result.json", folder / LOG
    if code == 0 and file.exists():
        found: dict[str, Any] = json.loads(file.read_text())
        return found
    chosen = plan(seed)
    said = log.read_text()[-2_000:] if log.exists() else ""
    text = f"the run ends: it hung for {HUNG_S} s" if code == -signal.SIGALRM else f"the run ends: exit {code}: {said}"
    return Result(seed, chosen.faults, broken=[text], venue=chosen.venue, command=chosen.command).as_dict()


def table(results: list[dict[str, Any]]) -> str:
    """Fault, in how many runs, in how many of them it struck, at which venue, how many of these survived."""
    lines = [f"{'fault':36}{'runs':>6}{'struck':>8}{'survived':>10}" + "".join(f"{venue:>9}" for venue in VENUES)]
    for name in NAMES:
        meant = [result for result in results if name in result["faults"]]
        hit = [result for result in meant if name in result["hit"]]
        places = "".join(f"{sum(result['venue'] == venue for result in hit):>9}" for venue in VENUES)
        survived = sum(not result["broken"] for result in hit)
        lines.append(f"{name:36}{len(meant):>6}{len(hit):>8}{survived:>10}{places}")
    return "\n".join(lines)


def seeds_of(text: str) -> range:
    """``A:B`` as the seeds from A to before B."""
    first, mark, last = text.partition(":")
    if not (mark and first.isdigit() and last.isdigit() and int(first) < int(last)):
        raise argparse.ArgumentTypeError(f"{text}: use A:B, the first seed and one past the last")
    return range(int(first), int(last))


def summary_of(results: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    """What a set of runs came to; `missed` are faults that a full set should have hit more often."""
    bad = [result for result in results if result["broken"]]
    hits = {name: sum(name in result["hit"] for result in results) for name in NAMES}
    full = len(results) >= FULL
    return {
        "runs": len(results),
        "survived": len(results) - len(bad),
        "kills": sum(result["kills"] for result in results),
        "orders": sum(result["orders"] for result in results),
        "trades": sum(result["trades"] for result in results),
        "cpu_seconds": round(sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]), 1),
        "seconds": round(seconds, 1),
        "hits": hits,
        "missed": [name for name in NAMES if hits[name] < LEAST_HITS] if full else [],
        "broken": [
            {"seed": r["seed"], "faults": r["faults"], "invariant": r["broken"][0], "command": r["command"]}
            for r in bad
        ],
    }


def main() -> int:
    """The command; 0 when every run survived and, in a full set, every fault was hit and engines killed often enough."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seeds", type=seeds_of, default=f"0:{FULL}", help="A:B, the first and one past the last")
    parser.add_argument("--jobs", type=int, default=JOBS, help="runs at once")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--keep", action="store_true", help="keep the folders of broken runs")
    given = parser.parse_args()
    began = time.monotonic()
    import_everything()
    results = run_all(given.seeds, given.jobs, keep=given.keep, loud=not given.json)
    summary = summary_of(results, time.monotonic() - began)
    few_kills = len(results) >= FULL and summary["kills"] < LEAST_KILLS
    if given.json:
        print(json.dumps(summary))
    else:
        print(table(results))
        print(json.dumps({name: summary[name] for name in summary if name not in {"hits", "broken"}}))
        for one in summary["broken"]:
            print(f"{one['command']}: {', '.join(one['faults'])}: {one['invariant'][:300]}")
        for name in summary["missed"]:
            print(f"hit less than {LEAST_HITS} times: {name}")
        if few_kills:
            print(f"engines were killed less than {LEAST_KILLS} times")
    return 1 if summary["broken"] or summary["missed"] or few_kills else 0


if __name__ == "__main__":
    sys.exit(main())
