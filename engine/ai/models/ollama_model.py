"""A local model through Ollama's chat API with a JSON schema as its format."""

from __future__ import annotations

import httpx
import ollama
from pydantic import ValidationError

from engine.ai.answer import SCHEMA
from engine.ai.models.base import BAD_ADDRESS, NOTHING, Reply, Trouble, fits_a_header, status_trouble
from engine.ai.models.capped import HEADERS, cause_of, response_hook
from engine.ai.prompts import Prompt
from engine.ai.seats import Seat

CONTEXT = 8_192


class OllamaModel:
    """Implements Model."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        headers = dict(HEADERS)
        if not fits_a_header(seat.key):
            raise Trouble(BAD_ADDRESS, used=NOTHING)
        if seat.key:
            headers["Authorization"] = f"Bearer {seat.key}"
        hooks = {"response": [response_hook(httpx.AsyncByteStream)]}
        try:
            self._client = ollama.AsyncClient(seat.base_url or None, headers=headers, event_hooks=hooks)
        except (ValueError, httpx.InvalidURL) as error:
            raise Trouble(BAD_ADDRESS, used=NOTHING) from error

    async def ask(self, prompt: Prompt) -> Reply:
        """One question."""
        try:
            found = await self._client.chat(
                self._seat.model,
                [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}],
                stream=False,
                format=SCHEMA,
                options={"temperature": 0, "num_predict": self._seat.max_tokens, "num_ctx": CONTEXT},
            )
        except ollama.ResponseError as error:
            raise status_trouble(error.status_code) from error
        except (
            ValidationError,
            ValueError,
            TypeError,
            AttributeError,
        ) as error:  # the SDK takes any JSON for an object
            raise Trouble("the endpoint's answer is malformed") from error
        except (ConnectionError, httpx.HTTPError) as error:
            raise cause_of(error) or Trouble("the connection failed", retry=True) from error
        used = (found.prompt_eval_count or 0, found.eval_count or 0)
        if found.done_reason == "length":
            raise Trouble("the answer was cut short", used=used)
        return Reply(
            text=found.message.content or "",
            model=found.model or self._seat.model,
            tokens_in=used[0],
            tokens_out=used[1],
        )

    async def close(self) -> None:
        """Release connections."""
        await self._client.close()  # type: ignore[no-untyped-call] # ollama leaves it without types
