"""How an engine is started, and what it is told by the simulated exchange it may belong to."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any, Literal

import msgspec

from engine.errors import BadInput
from engine.ports import Probe
from engine.probe import POINTS, no_probe

SIMULATOR_WAIT_S = 30.0
POLL_S = 0.02


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How an engine is started.

    Attributes:
        home: data directory.
        mode: demo (simulated exchange), paper (public data, paper account) or live (an account at a real venue).
        venue: whose account, live only; `testnet` is its demo or test network.
        testnet: see `venue`.
        endpoint: a simulated exchange on this machine that stands for the venue, live only.
        keys: where a live engine has its keys from: a line on its stdin (``pipe``), or the places of `storage.keys`.
        allow_withdrawals: live with a key that may move money out.
        simulator: file that holds the simulated exchange's addresses and keys (mode 0600), demo only.
        symbols: traded symbols; empty takes all the simulated exchange lists, or the configured ones.
        lockstep: the simulated exchange waits for us after each bar (maximum speed).
        base_ms: length of the feed's bars.
        heartbeat_ms: the account's stream is pinged so often; one that misses two answers is replaced.
        snapshot_every: journal entries between two snapshots.
        settings: overrides of the configured trading numbers.
    """

    home: str
    mode: Literal["demo", "paper", "live"] = "demo"
    venue: Literal["binance", "okx", "bybit"] = "binance"
    testnet: bool = False
    endpoint: str = ""
    keys: Literal["pipe", "find"] = "find"
    allow_withdrawals: bool = False
    simulator: str = ""
    symbols: tuple[str, ...] = ()
    lockstep: bool = False
    base_ms: int = 60_000
    heartbeat_ms: int = 10_000
    snapshot_every: int = 10_000
    settings: dict[str, Any] = {}

    @property
    def demo(self) -> bool:
        """The venue is the simulated exchange."""
        return self.mode == "demo"

    @property
    def live(self) -> bool:
        """An account at a real venue."""
        return self.mode == "live"

    @property
    def market(self) -> str:
        """Under which name bars are kept: a made-up market's must never be taken for an exchange's."""
        if self.demo or self.endpoint:
            return "simulated"
        return f"{self.venue}-testnet" if self.testnet else self.venue


class Addresses(msgspec.Struct, frozen=True):
    """The first line of a simulated exchange.

    `models` are base addresses of the simulated models, by provider; `generated` says that it makes its prices itself.
    """

    rest: str
    ws: str
    keys: dict[str, str]
    symbols: tuple[str, ...] = ()
    timeframe_ms: int = 60_000
    models: dict[str, str] = {}
    generated: bool = False


def read_options(text: str) -> Options:
    """Options as whoever starts an engine writes them, JSON; raises BadInput naming what is wrong with them."""
    try:
        return msgspec.json.decode(text, type=Options)
    except msgspec.DecodeError as error:
        raise BadInput("engine options", text, str(error)) from error


async def read_addresses(file: Path) -> Addresses:
    """Wait for the simulated exchange to say where it is; raises BadInput when it does not in time."""
    loop = asyncio.get_running_loop()
    until = loop.time() + SIMULATOR_WAIT_S
    while loop.time() < until:
        if file.is_file():
            line, newline, _ = file.read_text(encoding="utf-8").partition("\n")
            if newline:
                return msgspec.json.decode(line, type=Addresses)
        await asyncio.sleep(POLL_S)
    raise BadInput("simulated exchange", file, "it did not start in time; see its log")


def crash_probe(wanted: str) -> Probe:
    """A probe that kills this process at the point, and the visit, that ``POINT:COUNT`` names; empty for none."""
    if not wanted:
        return no_probe
    wanted_point, _, count = wanted.partition(":")
    if wanted_point not in POINTS or not (count or "1").isdigit():
        raise BadInput("TREFOIL_CRASH", wanted, f"use POINT:COUNT with a point of {', '.join(POINTS)}")
    left = int(count or 1)

    def probe(point: str) -> None:
        nonlocal left
        if point == wanted_point:
            left -= 1
            if left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return probe
