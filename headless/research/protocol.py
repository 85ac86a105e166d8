"""What a station and the research process say to each other: one JSON object a line, over the process's own pipes.

The process begins with `Hello`. Each `Call` is answered by one `Reply` of the same id; a `Start` and a
`HoldAgainstLuck` may be followed by any number of `Told` before it. `Cancel` names the call that is not wanted any more.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from engine.backtest.view import LuckView, Request, RunRow, RunView, SeriesView, StrategyView, TradeView
from engine.model.market import Bar

VERSION = 1
PAGE = 5_000
"""Most trades in one message."""


class ListSeries(msgspec.Struct, frozen=True, tag=True):
    """Which bars are stored? The answer is `Series`."""


class Check(msgspec.Struct, frozen=True, tag=True):
    """Is anything wrong with this request? The answer is `Checked`."""

    request: Request


class Start(msgspec.Struct, frozen=True, tag=True):
    """Run it. The answer is `Finished`, `Stopped` or `Refused`."""

    request: Request


class MoreTrades(msgspec.Struct, frozen=True, tag=True):
    """Trades of a run from the given one on. The answer is `Trades`."""

    run: str
    first: int


class Candles(msgspec.Struct, frozen=True, tag=True):
    """Prices of a run's market from `begin` to `end` (ms UTC), `most` candles at most. The answer is `Prices`."""

    run: str
    begin: int
    end: int
    most: int


class ListRuns(msgspec.Struct, frozen=True, tag=True):
    """Which runs are kept? The answer is `Runs`, newest first."""

    limit: int = 200


class Load(msgspec.Struct, frozen=True, tag=True):
    """Kept runs, for showing or for comparing them. The answer is `Loaded`, in this order."""

    runs: tuple[str, ...]


class Remove(msgspec.Struct, frozen=True, tag=True):
    """Forget kept runs. The answer is `Removed`."""

    runs: tuple[str, ...]


class HoldAgainstLuck(msgspec.Struct, frozen=True, tag=True):
    """Could a run have come out so by luck? The answer is `AgainstLuck`, `Stopped` or `Refused`."""

    run: str


Ask: TypeAlias = ListSeries | Check | Start | MoreTrades | Candles | ListRuns | Load | Remove | HoldAgainstLuck


class Call(msgspec.Struct, frozen=True, tag=True):
    """Something is asked."""

    id: int
    ask: Ask


class Cancel(msgspec.Struct, frozen=True, tag=True):
    """Stop what the call of this id asked for."""

    id: int


class Compiling(msgspec.Struct, frozen=True, tag=True):
    """The engine is compiled, once for a machine; it takes about fifteen seconds."""


class Progress(msgspec.Struct, frozen=True, tag=True):
    """How far a run has come: a fraction of the whole, and what is being done."""

    done: float
    text: str


class Series(msgspec.Struct, frozen=True, tag=True):
    """Bars that are stored; `notes` are sentences about those that cannot be read."""

    rows: tuple[SeriesView, ...]
    notes: tuple[str, ...] = ()


class Checked(msgspec.Struct, frozen=True, tag=True):
    """What is wrong, by field of the request; empty when it can be run. `series` are the bars, where they can be read."""

    errors: dict[str, str]
    series: SeriesView | None = None


class Finished(msgspec.Struct, frozen=True, tag=True):
    """All was run and kept, in the order asked for."""

    runs: tuple[RunView, ...]


class Stopped(msgspec.Struct, frozen=True, tag=True):
    """It was cancelled; `runs` were finished before and are kept."""

    runs: tuple[RunView, ...]
    text: str


class Refused(msgspec.Struct, frozen=True, tag=True):
    """It was not done, and why in one sentence; `errors` as in `Checked`."""

    text: str
    errors: dict[str, str] = {}


class Trades(msgspec.Struct, frozen=True, tag=True):
    """Trades from the given one on, `PAGE` at most."""

    run: str
    first: int
    rows: tuple[TradeView, ...]


class Prices(msgspec.Struct, frozen=True, tag=True):
    """Candles, oldest first, and their length."""

    run: str
    candles: tuple[Bar, ...]
    candle_ms: int


class Runs(msgspec.Struct, frozen=True, tag=True):
    """Kept runs, newest first."""

    rows: tuple[RunRow, ...]


class Loaded(msgspec.Struct, frozen=True, tag=True):
    """Kept runs as they were shown first."""

    runs: tuple[RunView, ...]


class Removed(msgspec.Struct, frozen=True, tag=True):
    """How many were forgotten."""

    count: int


class AgainstLuck(msgspec.Struct, frozen=True, tag=True):
    """What the statistics say of a run."""

    run: str
    luck: LuckView


News: TypeAlias = Compiling | Progress
Answer: TypeAlias = (
    Series | Checked | Finished | Stopped | Refused | Trades | Prices | Runs | Loaded | Removed | AgainstLuck
)


class Hello(msgspec.Struct, frozen=True, tag=True):
    """The process is ready: its protocol, and the strategies there are."""

    version: int
    strategies: tuple[StrategyView, ...]


class Told(msgspec.Struct, frozen=True, tag=True):
    """How the call of this id goes on."""

    id: int
    news: News


class Reply(msgspec.Struct, frozen=True, tag=True):
    """The end of the call of this id."""

    id: int
    answer: Answer


_calls: msgspec.json.Decoder[Call | Cancel] = msgspec.json.Decoder(Call | Cancel)
_words: msgspec.json.Decoder[Hello | Told | Reply] = msgspec.json.Decoder(Hello | Told | Reply)


def encode(frame: Call | Cancel | Hello | Told | Reply) -> bytes:
    """A frame as a line."""
    return msgspec.json.encode(frame) + b"\n"


def decode_call(line: bytes) -> Call | Cancel:
    """A line of the station; raises msgspec.DecodeError."""
    return _calls.decode(line)


def decode_word(line: bytes) -> Hello | Told | Reply:
    """A line of the process; raises msgspec.DecodeError."""
    return _words.decode(line)
