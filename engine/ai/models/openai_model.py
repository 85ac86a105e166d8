"""GPT, or whatever speaks OpenAI's API: chat completions with a strict JSON schema, the Responses API where only that is."""

from __future__ import annotations

from typing import Any

import msgspec
import openai

from engine.ai.answer import SCHEMA
from engine.ai.models.base import NOTHING, Reply, Trouble, decode, status_trouble
from engine.ai.models.hosted import client, connection_trouble
from engine.ai.prompts import Prompt
from engine.ai.seats import Seat


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def tokens(self) -> tuple[int, int]:
        """In and out, whichever of the two APIs names them."""
        return self.prompt_tokens or self.input_tokens, self.completion_tokens or self.output_tokens


class _Message(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None


class _Completion(msgspec.Struct):
    choices: list[_Choice]
    model: str = ""
    usage: _Usage | None = None


class _Part(msgspec.Struct):
    type: str
    text: str = ""
    refusal: str = ""


class _Item(msgspec.Struct):
    type: str
    content: list[_Part] | None = None


class _Response(msgspec.Struct):
    output: list[_Item]
    status: str = "completed"
    model: str = ""
    usage: _Usage | None = None


class OpenAIModel:
    """Implements Model.

    Temperature 0 and low reasoning effort are asked for until an endpoint says that it does not take them.
    """

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._optional: dict[str, Any] = {"temperature": 0, "reasoning_effort": "low"}
        self._responses = False
        self._client = client(openai.AsyncOpenAI, openai.DefaultAsyncHttpxClient, seat, openai.OpenAIError)
        self._completion = self._client.chat.completions.with_raw_response.create  # imported here, in a thread

    async def ask(self, prompt: Prompt) -> Reply:
        """One question; asked again at once only without a parameter that the endpoint does not know."""
        while True:
            try:
                return await (self._respond(prompt) if self._responses else self._chat(prompt))
            except openai.BadRequestError as error:
                if not self._drop(error):
                    raise status_trouble(400) from error
            except openai.NotFoundError as error:
                if self._responses or "model" in str(error.message).lower():
                    raise status_trouble(404) from error
                self._responses = True
            except openai.APIStatusError as error:
                if error.code == "insufficient_quota":
                    raise Trouble("the account has no credit left", used=NOTHING) from error
                raise status_trouble(error.status_code, error.response.headers.get("retry-after")) from error
            except openai.OpenAIError as error:
                raise connection_trouble(error) from error

    async def close(self) -> None:
        """Release connections."""
        await self._client.close()

    def _drop(self, error: openai.BadRequestError) -> bool:
        """Leave out from now on what the endpoint complains about, if it is needless."""
        words = f"{error.param} {error.message}"
        for name in self._optional:
            if name in words or (name == "reasoning_effort" and "reasoning" in words):
                del self._optional[name]
                return True
        return False

    async def _chat(self, prompt: Prompt) -> Reply:
        raw = await self._completion(
            model=self._seat.model,
            messages=[{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}],
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "vote", "strict": True, "schema": SCHEMA},
            },
            max_completion_tokens=self._seat.max_tokens,
            **self._optional,
        )
        found = decode(raw.content, _Completion)
        used = found.usage.tokens if found.usage is not None else None
        if not found.choices:
            raise Trouble("the endpoint's answer is empty", used=used)
        choice = found.choices[0]
        if choice.message.refusal or choice.finish_reason == "content_filter":
            raise Trouble("the model refused to answer", used=used)
        if choice.finish_reason == "length":
            raise Trouble("the answer was cut short", used=used)
        return self._reply(choice.message.content or "", found.model, used)

    async def _respond(self, prompt: Prompt) -> Reply:
        optional = dict(self._optional)
        effort = optional.pop("reasoning_effort", None)
        if effort is not None:
            optional["reasoning"] = {"effort": effort}
        raw = await self._client.responses.with_raw_response.create(
            model=self._seat.model,
            instructions=prompt.system,
            input=prompt.user,
            text={"format": {"type": "json_schema", "name": "vote", "strict": True, "schema": SCHEMA}},
            max_output_tokens=self._seat.max_tokens,
            store=False,
            **optional,
        )
        found = decode(raw.content, _Response)
        used = found.usage.tokens if found.usage is not None else None
        parts = [part for item in found.output if item.type == "message" for part in item.content or ()]
        if any(part.type == "refusal" for part in parts):
            raise Trouble("the model refused to answer", used=used)
        if found.status == "incomplete":
            raise Trouble("the answer was cut short", used=used)
        text = "".join(part.text for part in parts if part.type == "output_text")
        return self._reply(text, found.model, used)

    def _reply(self, text: str, model: str, used: tuple[int, int] | None) -> Reply:
        tokens_in, tokens_out = used or NOTHING
        return Reply(text=text, model=model or self._seat.model, tokens_in=tokens_in, tokens_out=tokens_out)
