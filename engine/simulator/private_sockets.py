"""Signed-in sockets of OKX and Bybit, and which private channels they hear."""

from __future__ import annotations

from collections.abc import Callable

from engine.simulator.sockets import Socket


class PrivateSockets:
    """Who has signed in; channels are named ``okx:orders`` and the like."""

    def __init__(self) -> None:
        self._channels: dict[Socket, set[str]] = {}

    def add(self, socket: Socket) -> None:
        """A socket has signed in."""
        self._channels.setdefault(socket, set())

    def remove(self, socket: Socket) -> None:
        """A socket is gone."""
        self._channels.pop(socket, None)

    def signed_in(self, socket: Socket) -> bool:
        """Whether it may hear private channels."""
        return socket in self._channels

    def subscribe(self, socket: Socket, channel: str) -> None:
        """Let a signed-in socket hear a channel."""
        self._channels[socket].add(channel)

    def unsubscribe(self, socket: Socket, channel: str) -> None:
        """Let it hear the channel no more."""
        self._channels[socket].discard(channel)

    def channels(self) -> set[str]:
        """Everything that somebody hears."""
        return {channel for channels in self._channels.values() for channel in channels}

    def sockets(self) -> tuple[Socket, ...]:
        """All signed-in sockets."""
        return tuple(self._channels)

    def publish(self, channel: str, worded: Callable[[], bytes]) -> None:
        """Send one message to whoever hears `channel`; it is worded only for somebody."""
        hearing = [socket for socket, channels in self._channels.items() if channel in channels]
        if hearing:
            data = worded()
            for socket in hearing:
                socket.send(data)
