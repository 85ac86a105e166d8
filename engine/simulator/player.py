"""Plays a market into a simulation: in real time times a speed, or as fast as its clients can follow."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from engine.simulator.lockstep import PATIENCE_S
from engine.simulator.market import Step
from engine.simulator.simulation import Simulation

BREATH = 200


class Player:
    """The clock of the simulated venue.

    Args:
        simulation: what is played into.
        speed: simulated seconds a second; None plays as fast as every market socket reads and the lockstep client acts.
    """

    def __init__(self, simulation: Simulation, speed: float | None) -> None:
        self._sim = simulation
        self._speed = speed
        self._anchor_wall = 0.0
        self._anchor_at = simulation.exchange.now
        self._until = simulation.exchange.now
        self.slow_waits = 0
        simulation.clock_ms = self.now

    def now(self) -> int:
        """Simulated time: that of the newest step, running on between steps at a finite speed."""
        newest = self._sim.exchange.now
        if self._speed is None or not self._sim.started or self._sim.ended:
            return newest
        wall = asyncio.get_running_loop().time()
        return max(newest, min(self._until, int(self._anchor_at + (wall - self._anchor_wall) * 1000 * self._speed)))

    async def play(self) -> None:
        """Play the whole source once somebody listens; then the state stays as it is."""
        await self._audience()
        await self._sim.lockstep.may_start()
        self._sim.started = True
        steps = self._sim.source.steps()
        if self._speed is None:
            await self._play_in_step(steps)
        else:
            await self._play_at_speed(steps, self._speed)
        self._sim.ended = True

    async def _play_at_speed(self, steps: Iterator[Step], speed: float) -> None:
        loop = asyncio.get_running_loop()
        self._anchor_wall, self._anchor_at = loop.time(), self._sim.exchange.now
        played = 0
        for step in steps:
            self._until = step.at
            wait = self._anchor_wall + (step.at - self._anchor_at) / 1000 / speed - loop.time()
            if wait > 0 or played >= BREATH:
                await asyncio.sleep(max(0.0, wait))
                played = 0
            self._sim.apply(step)
            played += 1

    async def _play_in_step(self, steps: Iterator[Step]) -> None:
        """After the last close of a bar wait for everybody, and after any user event for the lockstep client."""
        closed = 0
        for step in steps:
            if closed and (step.closed is None or step.closed.open_time != closed):
                await self._everybody(closed)
                closed = 0
            elif self._sim.lockstep.behind:
                await self._sim.lockstep.caught_up()
            self._sim.apply(step)
            if step.closed is not None:
                closed = step.closed.open_time
        if closed:
            await self._everybody(closed)

    async def _everybody(self, bar: int) -> None:
        await self._audience()
        await self._sim.lockstep.may_start()
        if not await self._sim.hub.barrier(PATIENCE_S):
            self.slow_waits += 1
        await self._sim.lockstep.caught_up(bar)

    async def _audience(self) -> None:
        """Wait until somebody subscribed to the market."""
        while not self._sim.hub.listening:
            self._sim.hub.changed.clear()
            await self._sim.hub.changed.wait()
