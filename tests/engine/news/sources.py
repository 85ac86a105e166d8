"""A local server of feeds and of a fear and greed index."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate

from aiohttp import web

NOW = 1_746_100_000_000
HOUR = 3_600_000


def rss(*items: tuple[int | None, str], title: str = "Wire") -> bytes:
    """An RSS document of (ms UTC or None, title as XML)."""
    rows = "".join(
        f"<item><title>{text}</title>{f'<pubDate>{formatdate(at / 1000, usegmt=True)}</pubDate>' if at else ''}</item>"
        for at, text in items
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>{title}</title>{rows}</channel></rss>'.encode()


@dataclass
class Source:
    """What the server says at each path: a body and a status."""

    base: str = ""
    bodies: dict[str, bytes] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        tag = request.headers.get("If-None-Match", "")
        self.asked.append((request.path, tag))
        body = self.bodies.get(request.path, b"")
        mine = f'"{hash(body)}"'
        if tag == mine:
            return web.Response(status=304)
        return web.Response(body=body, status=self.statuses.get(request.path, 200), headers={"ETag": mine})


@asynccontextmanager
async def source() -> AsyncIterator[Source]:
    """Serve on a free port."""
    one = Source()
    app = web.Application()
    app.router.add_get("/{tail:.*}", one.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    one.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield one
    finally:
        await runner.cleanup()
