"""Journal rows: an entry as bytes that know whether they are whole."""

from __future__ import annotations

import zlib
from typing import Any

import msgspec

from engine.model.decision import Decision
from engine.model.event import Event
from engine.ports import Entry

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(tuple[Event, tuple[Decision, ...]])


class Unreadable(ValueError):
    """A row or a snapshot whose bytes are not what was written; `str()` says how it was noticed."""


def checksum(data: bytes, seq: int) -> int:
    """CRC-32 of `data`, seeded with the sequence so that a row in another's place is noticed too."""
    return zlib.crc32(data, seq & 0xFFFFFFFF)


def encode(entry: Entry) -> dict[str, Any]:
    """The journal row of an entry; OverflowError where an integer in it does not fit 64 bits."""
    payload = _ENCODER.encode((entry.event, entry.decisions))
    return {
        "seq": entry.seq,
        "at": entry.event.at,
        "kind": type(entry.event).__name__,
        "payload": payload,
        "crc": checksum(payload, entry.seq),
    }


def decode(seq: int, payload: bytes, crc: int) -> Entry:
    """The entry of a journal row; Unreadable when its checksum or its content is wrong."""
    if checksum(payload, seq) != crc:
        raise Unreadable("its checksum does not match")
    try:
        event, decisions = _DECODER.decode(payload)
    except msgspec.MsgspecError as error:
        raise Unreadable(f"it cannot be decoded ({error})") from error
    return Entry(seq, event, decisions)
