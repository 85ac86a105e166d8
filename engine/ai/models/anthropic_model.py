"""Claude through Anthropic's Messages API with structured output."""

from __future__ import annotations

import anthropic
import msgspec
from anthropic.types import OutputConfigParam

from engine.ai.answer import SCHEMA
from engine.ai.models.base import NOTHING, Reply, Trouble, decode, status_trouble
from engine.ai.models.hosted import client, connection_trouble
from engine.ai.prompts import Prompt
from engine.ai.seats import Seat


class _Usage(msgspec.Struct):
    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None

    @property
    def tokens(self) -> tuple[int, int]:
        """In (those read from or written to a cache too) and out."""
        cached = (self.cache_creation_input_tokens or 0) + (self.cache_read_input_tokens or 0)
        return self.input_tokens + cached, self.output_tokens


class _Block(msgspec.Struct):
    type: str
    text: str = ""


class _Message(msgspec.Struct):
    content: list[_Block]
    model: str = ""
    stop_reason: str | None = None
    usage: _Usage | None = None


class AnthropicModel:
    """Implements Model. Current models take no temperature; low effort is asked for until an endpoint refuses it."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._effort = True
        self._client = client(
            anthropic.AsyncAnthropic, anthropic.DefaultAsyncHttpxClient, seat, anthropic.AnthropicError
        )
        self._create = self._client.messages.with_raw_response.create  # imported here, in a thread

    async def ask(self, prompt: Prompt) -> Reply:
        """One question; asked again at once only without an effort that the endpoint does not know."""
        while True:
            try:
                return await self._message(prompt)
            except anthropic.BadRequestError as error:
                if not self._effort or "effort" not in error.message:
                    raise status_trouble(400) from error
                self._effort = False
            except anthropic.APIStatusError as error:
                raise status_trouble(error.status_code, error.response.headers.get("retry-after")) from error
            except anthropic.AnthropicError as error:
                raise connection_trouble(error) from error

    async def close(self) -> None:
        """Release connections."""
        await self._client.close()

    def _output(self) -> OutputConfigParam:
        output: OutputConfigParam = {"format": {"type": "json_schema", "schema": SCHEMA}}
        if self._effort:
            output["effort"] = "low"
        return output

    async def _message(self, prompt: Prompt) -> Reply:
        raw = await self._create(
            model=self._seat.model,
            max_tokens=self._seat.max_tokens,
            system=prompt.system,
            messages=[{"role": "user", "content": prompt.user}],
            output_config=self._output(),
        )
        found = decode(await raw.read(), _Message)
        used = found.usage.tokens if found.usage is not None else None
        if found.stop_reason == "refusal":
            raise Trouble("the model refused to answer", used=used)
        if found.stop_reason in {"max_tokens", "model_context_window_exceeded"}:
            raise Trouble("the answer was cut short", used=used)
        text = "".join(block.text for block in found.content if block.type == "text")
        tokens_in, tokens_out = used or NOTHING
        return Reply(text=text, model=found.model or self._seat.model, tokens_in=tokens_in, tokens_out=tokens_out)
