"""A local server that answers as OpenAI, Anthropic or Ollama would, well or badly, over real HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from engine.ai.brief import Brief, Headline, Mood, PositionFact, ReadingFact
from engine.ai.prompts import Role
from engine.ai.seats import Seat
from engine.model.market import Bar

PROVIDERS = ("openai", "anthropic", "ollama")
KEY = "sk-secret-key-of-the-test-0123456789"
T0 = 1_746_057_600_000

GOOD: dict[str, Any] = {
    "side": "LONG",
    "confidence": 81,
    "horizon": 6,
    "reasons": ["higher lows", "volume rises", "funding is flat"],
    "risk_notes": ["resistance above"],
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def brief(**more: Any) -> Brief:
    """A question about made-up bars."""
    bars = tuple(Bar(T0 + i * 900_000, 100.0 + i, 101.5 + i, 99.5 + i, 101.0 + i, 10.0 + i) for i in range(30))
    values: dict[str, Any] = {
        "symbol": "BTC/USDT:USDT",
        "timeframe_ms": 900_000,
        "bars": bars,
        "candidate": 1,
        "score": 0.5,
        "indicators": {"rsi_14": 61.234, "ema_20": 120.0, "ema_50": 115.0, "atr_14": 2.5},
        "readings": (ReadingFact("supertrend", 1, 40, 0.55, 3.2), ReadingFact("board", 1, 12, 0.5, -1.0)),
        "funding_percent": 0.01,
        "spread_bps": 0.5,
        "imbalance": -0.25,
        "position": PositionFact(-1, -0.4, 7),
        "headlines": (Headline(T0, "Wire", "Bitcoin rises"), Headline(T0 + 60_000, "Ticker", "Bitcoin falls")),
        "mood": Mood(55, "greed", T0),
    }
    return Brief(**{**values, **more})


def seat(provider: str, base: str, **more: Any) -> Seat:
    """A seat at the local server."""
    values: dict[str, Any] = {
        "voter": {"openai": "gpt", "anthropic": "claude", "ollama": "llama"}[provider],
        "provider": provider,
        "role": Role.RISK,
        "model": "model-asked",
        "base_url": base,
        "key": KEY,
        "price_in": 1.0,
        "price_out": 10.0,
    }
    return Seat(**{**values, **more})


def envelope(provider: str, text: str, *, stop: str = "", model: str = "model-answered") -> dict[str, Any]:
    """What a provider wraps around a text; `stop` is why it stopped, in the provider's own word."""
    if provider == "openai":
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": stop or "stop"}
        usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
        return {
            "id": "c",
            "object": "chat.completion",
            "created": 0,
            "model": model,
            "choices": [choice],
            "usage": usage,
        }
    if provider == "anthropic":
        return {
            "id": "m",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [{"type": "text", "text": text}],
            "stop_reason": stop or "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 1000, "output_tokens": 100},
        }
    return {
        "model": model,
        "created_at": "2025-05-01T00:00:00Z",
        "message": {"role": "assistant", "content": text},
        "done": True,
        "done_reason": stop or "stop",
        "prompt_eval_count": 1000,
        "eval_count": 100,
    }


@dataclass
class Endpoint:
    """A server of one provider; every request's body and headers are kept."""

    provider: str
    base: str = ""
    handler: Handler | None = None
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path)
        self.bodies.append(await request.json())
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        self.asked.set()
        assert self.handler is not None
        return await self.handler(request)

    def says(self, answer: Any, **more: Any) -> None:
        """Answer with this text (JSON unless it is a string)."""
        text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)

        async def handler(_request: web.Request) -> web.Response:
            return web.json_response(envelope(self.provider, text, **more))

        self.handler = handler

    def fails(self, *statuses: int, **headers: str) -> None:
        """Answer with these statuses in turn, 200 being a good answer, the last one for ever."""
        left = list(statuses)

        async def handler(_request: web.Request) -> web.Response:
            status = left.pop(0) if len(left) > 1 else left[0]
            if status == 200:
                return web.json_response(envelope(self.provider, json.dumps(GOOD)))
            body = {"error": {"message": f"no, {KEY} is bad", "type": "error", "code": None}}
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            return web.json_response(body, status=status, headers=given)

        self.handler = handler


@asynccontextmanager
async def endpoint(provider: str) -> AsyncIterator[Endpoint]:
    """Serve on a free port."""
    one = Endpoint(provider)
    app = web.Application(client_max_size=1 << 20)
    app.router.add_route("POST", "/{tail:.*}", one._handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host = f"http://127.0.0.1:{runner.addresses[0][1]}"
    one.base = f"{host}/v1" if provider == "openai" else host
    try:
        yield one
    finally:
        await runner.cleanup()
