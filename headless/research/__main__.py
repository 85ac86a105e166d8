"""``python -m headless.research``: calls come on stdin, answers go to stdout, both one JSON object a line."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time

import msgspec

from engine.errors import TrefoilError
from headless.research import protocol as p
from headless.research.worker import Worker
from storage.home import Home

LINE_BYTES = 1 << 20


class Out:
    """The answers' pipe. Whatever a library prints goes to stderr instead."""

    def __init__(self) -> None:
        self._pipe = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)
        self._lock = threading.Lock()

    def send(self, frame: p.Hello | p.Told | p.Reply) -> None:
        """Write one frame; from any thread."""
        with self._lock:
            self._pipe.write(p.encode(frame))
            self._pipe.flush()


async def serve(home: Home) -> None:
    """Answer until stdin ends."""
    out = Out()
    worker = Worker(home, out.send, lambda: time.time_ns() // 1_000_000)
    reader = asyncio.StreamReader(limit=LINE_BYTES)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with asyncio.TaskGroup() as group:
        working = group.create_task(worker.run())
        while line := await reader.readline():
            try:
                worker.hear(p.decode_call(line))
            except msgspec.DecodeError as error:
                print(f"research: a call is not understood and left out: {error}", file=sys.stderr)  # noqa: T201 - the process's log
        worker.cancel_all()
        working.cancel()


def main() -> int:
    """Run; 1 and one sentence on stderr where that cannot be."""
    code = 0
    try:
        asyncio.run(serve(Home.locate().create()))
    except* BrokenPipeError:
        code = 1  # the station is gone: nobody to tell
    except* TrefoilError as group:
        print(f"research: {group.exceptions[0]}", file=sys.stderr)  # noqa: T201 - the station shows the log's last sentence
        code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())
