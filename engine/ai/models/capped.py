"""A hook for httpx clients that stops reading an answer before it fills the memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from engine.ai.models.base import MOST_BYTES, TOO_LARGE, Trouble


class AnswerTooLarge(Trouble):
    """Raised while the body is read, so that the rest is never received."""

    def __init__(self) -> None:
        super().__init__(TOO_LARGE)


def response_hook(stream_class: type[Any]) -> Callable[[Any], Awaitable[None]]:
    """A response hook for an httpx client.

    Args:
        stream_class: the library's AsyncByteStream (httpx and httpx2 have one each).

    Returns:
        A coroutine function for ``event_hooks``: it raises Trouble for a compressed answer, and puts a stream that raises
        AnswerTooLarge beyond `MOST_BYTES` in place of the response's own.
    """

    class Capped(stream_class):  # type: ignore[misc] # its base is chosen at run time
        """A response's stream with an end."""

        def __init__(self, inner: Any) -> None:
            self._inner = inner

        async def __aiter__(self) -> AsyncIterator[bytes]:
            read = 0
            async for part in self._inner:
                read += len(part)
                if read > MOST_BYTES:
                    raise AnswerTooLarge
                yield part

        async def aclose(self) -> None:
            """Release the connection of the stream within."""
            await self._inner.aclose()

    async def hook(response: Any) -> None:
        """Put the capped stream in place; called before any of the body is read."""
        if response.headers.get("content-encoding", "identity") != "identity":
            raise Trouble("the endpoint compresses its answer though none was asked for")
        response.stream = Capped(response.stream)

    return hook


HEADERS = {"Accept-Encoding": "identity"}  # a small compressed answer could unpack to a huge one


def cause_of(error: BaseException) -> Trouble | None:
    """The Trouble behind an SDK's own exception, if one of ours began it."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, Trouble):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None
