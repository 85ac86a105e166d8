"""The control protocol: JSON frames over a WebSocket on a Unix socket or on TCP with a token.

A client opens with `Hello` and gets `Welcome` or `Refused`. After `Subscribe(topic)` it gets one snapshot and then
updates whose `seq` runs without gaps per topic; after a gap the client subscribes again for a fresh snapshot. Snapshots
travel as binary frames (zlib over JSON), everything else as text. `Query` and `Ask` are answered by a `Result` with the
same id. Topics are `desk` and `bars|SYMBOL|TIMEFRAME_MS`.
"""

from __future__ import annotations

import zlib
from typing import TypeAlias

import msgspec

from engine.model.command import Command
from engine.view import Change, Desk
from engine.view_bars import BarChange, BarsView

VERSION = 3


class Hello(msgspec.Struct, frozen=True, tag=True):
    """First frame of a client. `token` is empty on a Unix socket."""

    version: int
    token: str
    client: str


class Subscribe(msgspec.Struct, frozen=True, tag=True):
    """Send me a snapshot of a topic and then its updates."""

    topic: str


class Unsubscribe(msgspec.Struct, frozen=True, tag=True):
    """No more of that topic."""

    topic: str


class Query(msgspec.Struct, frozen=True, tag=True):
    """Ask history: `name` is one that `storage.history` knows, or bars; the answer is a `Result`."""

    id: str
    name: str
    args: dict[str, str | int | float | None] = {}


class Ask(msgspec.Struct, frozen=True, tag=True):
    """Ask the engine to do something. `id` makes a resend harmless for 24 h."""

    id: str
    command: Command


class Stop(msgspec.Struct, frozen=True, tag=True):
    """Stop the engine process in good order (positions and orders stay as they are)."""

    id: str


ClientFrame: TypeAlias = Hello | Subscribe | Unsubscribe | Query | Ask | Stop


class Welcome(msgspec.Struct, frozen=True, tag=True):
    """The engine takes the client in."""

    version: int
    engine: str
    epoch: int
    mode: str


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The engine does not take the client (or its frame), and why."""

    reason: str


class DeskSnapshot(msgspec.Struct, frozen=True, tag=True):
    """The whole desk as of `seq`."""

    seq: int
    desk: Desk


class BarsSnapshot(msgspec.Struct, frozen=True, tag=True):
    """A whole chart as of `seq`."""

    topic: str
    seq: int
    bars: BarsView


class Update(msgspec.Struct, frozen=True, tag=True):
    """Changes of the desk; `seq` is one more than the last."""

    seq: int
    changes: tuple[Change, ...]


class BarsUpdate(msgspec.Struct, frozen=True, tag=True):
    """Changes of one chart; `seq` is one more than the last of this topic."""

    topic: str
    seq: int
    change: BarChange


class Result(msgspec.Struct, frozen=True, tag=True):
    """Answer to a `Query` (data) or an `Ask` (text)."""

    id: str
    ok: bool
    text: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")


ServerFrame: TypeAlias = Welcome | Refused | DeskSnapshot | BarsSnapshot | Update | BarsUpdate | Result

_encoder = msgspec.json.Encoder()
_client_decoder: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)
_server_decoder: msgspec.json.Decoder[ServerFrame] = msgspec.json.Decoder(ServerFrame)


def encode(frame: ClientFrame | ServerFrame) -> str | bytes:
    """Text for a WebSocket text frame; compressed bytes (binary frame) for the two snapshots."""
    raw = _encoder.encode(frame)
    if isinstance(frame, DeskSnapshot | BarsSnapshot):
        return zlib.compress(raw, 6)
    return raw.decode()


def decode_client(data: str | bytes) -> ClientFrame:
    """A frame from a client; raises msgspec.ValidationError or DecodeError naming what is wrong."""
    return _client_decoder.decode(data)


def decode_server(data: str | bytes) -> ServerFrame:
    """A frame from the engine."""
    return _server_decoder.decode(zlib.decompress(data) if isinstance(data, bytes) else data)
