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
        self._frozen: int | None = None
        self._running = asyncio.Event()
        self._running.set()
        self.slow_waits = 0
        simulation.clock_ms = self.now

    def now(self) -> int:
        """Simulated time: that of the newest step, running on between steps at a finite speed."""
        if self._frozen is not None:
            return self._frozen
        newest = self._sim.exchange.now
        if self._speed is None or not self._sim.started or self._sim.ended:
            return newest
        wall = asyncio.get_running_loop().time()
        return max(newest, min(self._until, int(self._anchor_at + (wall - self._anchor_wall) * 1000 * self._speed)))

    @property
    def paused(self) -> bool:
        """Whether the market stands still."""
        return self._frozen is not None

    def pause(self) -> None:
        """Let the market stand still after the step that is being applied; requests are answered as before."""
        if self._frozen is None:
            self._frozen = self.now()
            self._running.clear()

    def resume(self) -> None:
        """Go on from where the market stood; nothing that was due meanwhile is made up for."""
        if self._frozen is not None:
            self._anchor_wall, self._anchor_at = asyncio.get_running_loop().time(), self._frozen
            self._frozen = None
            self._running.set()

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
            wait = self._due(step, speed) - loop.time()
            while wait > 0 or played >= BREATH or self.paused:
                await asyncio.sleep(max(0.0, wait))
                await self._running.wait()
                played = 0
                wait = self._due(step, speed) - loop.time()  # a pause has moved it
            self._sim.apply(step)
            played += 1

    def _due(self, step: Step, speed: float) -> float:
        """Loop time at which a step is due."""
        return self._anchor_wall + (step.at - self._anchor_at) / 1000 / speed

    async def _play_in_step(self, steps: Iterator[Step]) -> None:
        """After the last close of a bar wait for everybody, and after any user event for the lockstep client."""
        closed = 0
        for step in steps:
            if closed and (step.closed is None or step.closed.open_time != closed):
                await self._everybody(closed)
                closed = 0
            elif self._sim.lockstep.behind:
                await self._sim.lockstep.caught_up()
            await self._running.wait()
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
