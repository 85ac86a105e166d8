"""The fear and greed index, in the form that alternative.me made usual."""

from __future__ import annotations

import msgspec

from engine.ai.brief import Mood
from engine.errors import BadInput


class _Point(msgspec.Struct):
    value: str | int
    timestamp: str | int
    value_classification: str = ""


class _Document(msgspec.Struct):
    data: list[_Point]


def mood_of(body: bytes) -> Mood:
    """The newest point of a document; raises BadInput where it is none."""
    try:
        points = msgspec.json.decode(body, type=_Document).data
        newest = points[0]
        value, at = int(newest.value), int(newest.timestamp) * 1000
    except (msgspec.DecodeError, ValueError, IndexError) as error:
        raise BadInput("fear and greed index", body[:40].decode(errors="replace"), str(error)) from error
    if not 0 <= value <= 100:
        raise BadInput("fear and greed index", value, "it must be 0 to 100")
    return Mood(value, newest.value_classification[:24], at)
