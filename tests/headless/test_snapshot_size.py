"""A whole desk is small on the wire."""

from __future__ import annotations

import msgspec

from engine.view import FILLS_KEPT, NOTES_KEPT, SIGNALS_KEPT, Desk
from headless.protocol import DeskSnapshot, decode_server, encode
from tests.widgets.desk_sample import NOW, sample_desk

LIMIT = 60_000


def full_desk() -> Desk:
    """The sample with every list at its cap."""
    desk = sample_desk(NOW)
    for i in range(FILLS_KEPT):
        fill = desk.fills[i % 7 % len(desk.fills)]
        desk.apply(msgspec.structs.replace(fill, trade_id=f"{7_919 * i:x}", at=fill.at + 977 * i, ticks=fill.ticks + i))
    for i in range(NOTES_KEPT):
        said = desk.notes[i % 11 % len(desk.notes)]
        desk.apply(msgspec.structs.replace(said, at=said.at + 1_009 * i, seq=10_000 + i, text=f"{said.text} {i}"))
    known = list(desk.signals.values())
    for i in range(SIGNALS_KEPT):
        signal = known[i % len(known)]
        desk.apply(msgspec.structs.replace(signal, id=1_000 + i, at=signal.at + 991 * i, score=signal.score + i / 977))
    return desk


def test_a_full_desk_of_thirty_symbols_fits() -> None:
    desk = full_desk()
    assert len(desk.instruments) >= 30
    assert (len(desk.fills), len(desk.notes), len(desk.signals)) == (FILLS_KEPT, NOTES_KEPT, SIGNALS_KEPT)
    frame = encode(DeskSnapshot(1, desk))
    assert len(frame) <= LIMIT
    assert decode_server(frame) == DeskSnapshot(1, desk)
