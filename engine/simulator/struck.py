"""How a fault strikes one request: before it is carried out, after, or instead. The words are the venue's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from aiohttp import web

from engine.simulator.faults import Fault


class FaultWords(Protocol):
    """How a venue says what a fault makes it say."""

    def limited(self, status: int, wait_s: int) -> web.Response:
        """Too many requests (429) or banned (418), for so many seconds."""
        ...

    def rejected(self, code: str) -> web.Response:
        """A refusal with a code."""
        ...

    def failing(self, status: int) -> web.Response:
        """What a failing backend says: carried out or not, the client cannot know."""
        ...


async def answered(
    request: web.Request,
    faults: list[Fault],
    words: FaultWords,
    answer: Callable[[], web.Response],
) -> web.StreamResponse:
    """Answer a request as the faults that strike it let it be answered."""
    struck = {fault.kind: fault for fault in faults}
    await _delay(struck, "before")
    refused = _before(struck, words)
    if refused is not None:
        return refused
    response = answer()
    await _delay(struck, "after")
    if "lost-ack" in struck:
        if request.transport is not None:
            request.transport.abort()
        return response
    if "server-error" in struck:
        return words.failing(int(struck["server-error"].number("status")))
    return response


async def _delay(struck: dict[str, Fault], when: str) -> None:
    """Hold a request back before it is carried out, or its answer after."""
    fault = struck.get("delay")
    if fault is not None and fault.values["when"] == when:
        await asyncio.sleep(fault.number("ms") / 1000)


def _before(struck: dict[str, Fault], words: FaultWords) -> web.Response | None:
    """The answer of a fault that keeps a request from being carried out."""
    for kind in ("ban", "rate-limit"):
        if kind in struck:
            fault = struck[kind]
            return words.limited(int(fault.number("status")), int(fault.number("retry")))
    if "reject" in struck:
        return words.rejected(struck["reject"].values["code"])
    if "server-error" in struck and struck["server-error"].values["when"] == "before":
        return words.failing(int(struck["server-error"].number("status")))
    return None
