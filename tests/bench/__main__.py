"""Run every measurement (or those named as arguments) and print one JSON object."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

from engine.garbage import collect_seldom
from tests.bench import (
    ack_to_station,
    backtest,
    core_events,
    engine_ready,
    ensemble,
    forecast,
    key_to_wire,
    live_stream,
    memory,
    order_memory,
    pipeline,
    reconciliation,
    replay_file,
    start,
    strategies,
)

PARTS: dict[str, Callable[[], dict[str, object]]] = {
    "core": core_events.measure,
    "strategies": strategies.measure,
    "backtest": backtest.measure,
    "forecast": forecast.measure,
    "ensemble": ensemble.measure,
    "start": start.measure,
    "engine_ready": engine_ready.measure,
    "stream_500": lambda: live_stream.measure(quotes_per_second=10.0, seconds=20),
    "stream_5000": lambda: live_stream.measure(quotes_per_second=100.0, seconds=20),
    "key_to_wire": key_to_wire.measure,
    "ack_to_station": ack_to_station.measure,
    "reconciliation": reconciliation.measure,
    "pipeline": pipeline.measure,
    "order_memory": order_memory.measure,
    "memory": memory.measure,
    "replay_file": replay_file.measure,
}


def main() -> None:
    """Measure and print, with the garbage collector as in every command."""
    collect_seldom()
    wanted = sys.argv[1:] or list(PARTS)
    results = {}
    for name in wanted:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        results[name] = PARTS[name]()
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
