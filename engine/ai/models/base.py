"""What every model does: take a prompt, give its text back, or say in one sentence what went wrong."""

from __future__ import annotations

from typing import Protocol, TypeVar

import msgspec

from engine.ai.prompts import Prompt
from engine.errors import TrefoilError

MOST_BYTES = 256 * 1024
REASON_LENGTH = 160
TOO_LARGE = f"the answer is larger than {MOST_BYTES // 1024} kB"
MOST_RETRY_AFTER_S = 3_600.0
BAD_ADDRESS = "its address or key cannot be used"
NOTHING = (0, 0)  # tokens of a question that was not taken

T = TypeVar("T")


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The text of an answer, the model that gave it, and what it used (no tokens at all: the endpoint did not say)."""

    text: str
    model: str
    tokens_in: int = 0
    tokens_out: int = 0


class Trouble(TrefoilError):
    """A model gave no answer.

    Args:
        reason: one sentence.
        retry: asking again may help.
        after_s: ask again no earlier than in so many seconds, where the endpoint said so.
        used: tokens in and out that are paid for all the same; None where the question was sent and nobody told.
    """

    def __init__(
        self, reason: str, *, retry: bool = False, after_s: float | None = None, used: tuple[int, int] | None = None
    ) -> None:
        super().__init__(reason)
        self.retry = retry
        self.after_s = after_s
        self.used = used


class Model(Protocol):
    """A model at an endpoint."""

    async def ask(self, prompt: Prompt) -> Reply:
        """One request, no retry; raises Trouble. The caller sets the time limit by cancelling."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


def decode(body: str | bytes, kind: type[T]) -> T:
    """The envelope of an answer; raises Trouble where it is not what the endpoint's API says."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise Trouble(f"the endpoint's answer is malformed: {error}") from error


def fits_a_header(key: str) -> bool:
    """A key that an HTTP header can carry: printable ASCII without blanks at its ends."""
    return key.isascii() and key.isprintable() and key == key.strip()


def after(header: str | None) -> float | None:
    """Seconds of a Retry-After header; None where it is missing or a date."""
    try:
        seconds = float(header or "")
    except ValueError:
        return None
    return seconds if 0 <= seconds <= MOST_RETRY_AFTER_S else None


def status_trouble(status: int, header: str | None = None) -> Trouble:
    """What a status code means. The endpoint's own words stay out: they may quote the key."""
    if status == 429:
        return Trouble("rate limited (429)", retry=True, after_s=after(header), used=NOTHING)
    if status in {408, 409} or status >= 500:
        return Trouble(f"the endpoint failed ({status})", retry=True, after_s=after(header), used=NOTHING)
    words = {
        400: "the request was refused (400)",
        401: "the key was refused (401)",
        402: "the account has no credit (402)",
        403: "access was refused (403)",
        404: "no such model or address (404)",
    }
    return Trouble(words.get(status, f"the endpoint refused ({status})"), used=NOTHING)
