"""The user-data stream: listen keys, the sockets on them, and how many events went out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from itertools import count

import orjson

from engine.errors import VenueRejected
from engine.simulator.lockstep import Lockstep
from engine.simulator.sockets import Socket
from engine.simulator.user_events import key_expired

KEY_LIFE_MS = 3_600_000


class UserStream:
    """Sends user events to every socket with a valid listen key.

    Args:
        seed: of the listen keys.
        lockstep: is told of every event that reached a socket.
        clock: wall time, ms UTC; keys live by it.
    """

    def __init__(self, seed: int, lockstep: Lockstep, clock: Callable[[], int]) -> None:
        self.sent = 0
        self._seed = seed
        self._lockstep = lockstep
        self._clock = clock
        self._numbers = count(1)
        self._key = ""
        self._expires = 0
        self._sockets: dict[Socket, str] = {}

    def create_key(self) -> str:
        """The account's listen key; a valid one is handed out again and lives another hour."""
        now = self._clock()
        if not self._key or now >= self._expires:
            mixed = f"listen key {self._seed} {next(self._numbers)}"
            self._key = hashlib.sha256(mixed.encode()).hexdigest()
        self._expires = now + KEY_LIFE_MS
        return self._key

    def extend_key(self) -> str:
        """Let the key live another hour; refused (-1125) when there is none."""
        if not self._key or self._clock() >= self._expires:
            raise VenueRejected("This listenKey does not exist.", "-1125")
        self._expires = self._clock() + KEY_LIFE_MS
        return self._key

    def close_key(self) -> None:
        """End the key; its sockets are told so."""
        key, self._key = self._key, ""
        for socket in self._sockets:
            socket.send(orjson.dumps(key_expired(key, self._clock())))

    def valid(self, key: str) -> bool:
        """Whether a socket may use this key."""
        return bool(key) and key == self._key and self._clock() < self._expires

    def add(self, socket: Socket, key: str) -> None:
        """A socket opened with a valid key."""
        self._sockets[socket] = key

    def remove(self, socket: Socket) -> None:
        """A socket is gone."""
        self._sockets.pop(socket, None)

    def sockets(self) -> tuple[Socket, ...]:
        """All open user sockets."""
        return tuple(self._sockets)

    def tell(self, event: Callable[[], dict[str, object]]) -> None:
        """Send one event, worded only when somebody hears it; what nobody hears is gone, as at the real venue."""
        if self._expires and self._clock() >= self._expires and self._key:
            self.close_key()
        if not self._sockets:
            return
        data = orjson.dumps(event())
        heard = False
        for socket, key in self._sockets.items():
            if key == self._key and socket.open:
                socket.send(data)
                heard = True
        if heard:
            self.sent += 1
            self._lockstep.sent()
