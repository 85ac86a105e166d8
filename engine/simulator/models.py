"""Simulated models: endpoints that speak OpenAI's, Anthropic's and Ollama's API on loopback.

Behind each is the heuristic of `engine.simulator.opinions`; the names of the models say SIMULATED.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import web

from engine.simulator.opinions import LABEL, opinion

PATHS = {"openai": "/openai/v1", "anthropic": "/anthropic", "ollama": "/ollama"}
MODELS = {name: f"{LABEL}-{short}" for name, short in (("openai", "gpt"), ("anthropic", "claude"), ("ollama", "llama"))}
MOST_BYTES = 1 << 20
LATENCY_S = {"openai": 0.2, "anthropic": 0.5, "ollama": 0.9}
PER_TOKEN = 4


class _Message(msgspec.Struct):
    role: str
    content: str


class _Chat(msgspec.Struct):
    model: str
    messages: list[_Message]
    system: str = ""


class _Responses(msgspec.Struct):
    model: str
    input: str
    instructions: str = ""


class SimulatedModels:
    """The three endpoints.

    Args:
        latency_s: seconds each waits before it answers, by provider.
    """

    def __init__(self, latency_s: Mapping[str, float] | None = None) -> None:
        self._latency = dict(latency_s or {})
        self.asked = dict.fromkeys(PATHS, 0)

    def routes(self) -> list[web.RouteDef]:
        """What an application serves."""
        return [
            web.post(f"{PATHS['openai']}/chat/completions", self.completion),
            web.post(f"{PATHS['openai']}/responses", self.response),
            web.post(f"{PATHS['anthropic']}/v1/messages", self.message),
            web.post(f"{PATHS['ollama']}/api/chat", self.chat),
        ]

    async def completion(self, request: web.Request) -> web.Response:
        """OpenAI's chat completions."""
        asked = await self._read(request, _Chat)
        system, user = _split(asked)
        text = await self._answer("openai", system, user)
        return _json(
            {
                "id": f"chatcmpl-{LABEL}",
                "object": "chat.completion",
                "created": 0,
                "model": MODELS["openai"],
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": text, "refusal": None},
                        "finish_reason": "stop",
                        "logprobs": None,
                    }
                ],
                "usage": _usage(system + user, text, "prompt_tokens", "completion_tokens"),
            }
        )

    async def response(self, request: web.Request) -> web.Response:
        """OpenAI's Responses API."""
        asked = await self._read(request, _Responses)
        text = await self._answer("openai", asked.instructions, asked.input)
        content = [{"type": "output_text", "text": text, "annotations": []}]
        return _json(
            {
                "id": f"resp_{LABEL}",
                "object": "response",
                "created_at": 0,
                "status": "completed",
                "model": MODELS["openai"],
                "output": [
                    {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content}
                ],
                "usage": _usage(asked.instructions + asked.input, text, "input_tokens", "output_tokens"),
            }
        )

    async def message(self, request: web.Request) -> web.Response:
        """Anthropic's messages."""
        asked = await self._read(request, _Chat)
        system, user = _split(asked)
        text = await self._answer("anthropic", system, user)
        return _json(
            {
                "id": f"msg_{LABEL}",
                "type": "message",
                "role": "assistant",
                "model": MODELS["anthropic"],
                "content": [{"type": "text", "text": text}],
                "stop_reason": "end_turn",
                "stop_sequence": None,
                "usage": _usage(system + user, text, "input_tokens", "output_tokens"),
            }
        )

    async def chat(self, request: web.Request) -> web.Response:
        """Ollama's chat, not streamed."""
        asked = await self._read(request, _Chat)
        system, user = _split(asked)
        text = await self._answer("ollama", system, user)
        return _json(
            {
                "model": MODELS["ollama"],
                "created_at": "1970-01-01T00:00:00Z",
                "message": {"role": "assistant", "content": text},
                "done": True,
                "done_reason": "stop",
                "prompt_eval_count": len(system + user) // PER_TOKEN,
                "eval_count": len(text) // PER_TOKEN,
            }
        )

    async def _answer(self, provider: str, system: str, user: str) -> str:
        self.asked[provider] += 1
        await asyncio.sleep(self._latency.get(provider, 0.0))
        return json.dumps(opinion(system, user))

    async def _read(self, request: web.Request, kind: type[Any]) -> Any:
        try:
            return msgspec.json.decode(await request.read(), type=kind)
        except msgspec.DecodeError as error:
            body = {"error": {"type": "invalid_request_error", "message": str(error)}}
            raise web.HTTPBadRequest(text=json.dumps(body), content_type="application/json") from error


def addresses(base: str) -> dict[str, str]:
    """Base address of each endpoint, as its SDK wants it; `base` is ``http://host:port``."""
    return {name: f"{base}{path}" for name, path in PATHS.items()}


def application(models: SimulatedModels) -> web.Application:
    """The endpoints alone, for tests."""
    app = web.Application(client_max_size=MOST_BYTES)
    app.add_routes(models.routes())
    return app


def _split(asked: _Chat) -> tuple[str, str]:
    system = [asked.system, *(m.content for m in asked.messages if m.role == "system")]
    return "\n".join(system).strip(), "\n".join(m.content for m in asked.messages if m.role == "user")


def _usage(prompt: str, text: str, inward: str, outward: str) -> dict[str, int]:
    used_in, used_out = len(prompt) // PER_TOKEN, len(text) // PER_TOKEN
    return {inward: used_in, outward: used_out, "total_tokens": used_in + used_out}


def _json(value: object) -> web.Response:
    return web.json_response(value)
