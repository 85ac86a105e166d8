"""Every question that was sent to a model, with its answer: one line of JSON each, files by UTC day, private.

Neither a key nor an account's identifier is part of a prompt, and what looks like a key in an answer is blotted out. Lines
are limited in size, and old files go when all together are too large: a day that fills a tenth of the room goes on in a
second file (``2026-11-21.1.jsonl``), as does one whose last line a crash has cut.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from engine.errors import BadInput
from engine.model.vote import Vote

MOST_TEXT = 32_000
MOST_BYTES = 200_000_000
PARTS = 10  # a file takes at most this part of all the room
_NAME = re.compile(r"\d{4}-\d\d-\d\d(?:\.(\d{1,6}))?\.jsonl")
_SECRET = re.compile(r"\b(?:sk|pk|rk|key|ghp|xox[bap])[-_][A-Za-z0-9_\-]{12,}|\bBearer\s+\S{12,}", re.IGNORECASE)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One question and its answer; `at` ms UTC, `role` of the seat, `answer` the raw text (cut where it is long)."""

    at: int
    symbol: str
    timeframe_ms: int
    bar_time: int
    role: str
    system: str
    user: str
    answer: str
    vote: Vote
    candidate: int = 0


def redacted(text: str) -> str:
    """`text` without what looks like a key, cut to size."""
    return _SECRET.sub("[redacted]", text[:MOST_TEXT])


class PromptArchive:
    """Keeps and finds questions.

    Args:
        folder: made when the first is kept.
        most: bytes that all files together may take.
    """

    def __init__(self, folder: Path, most: int = MOST_BYTES) -> None:
        self._folder = folder
        self._most = most

    def keep(self, kept: Kept) -> None:
        """Append one. A single write, so that two processes never mix their lines."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        day = datetime.fromtimestamp(kept.at / 1000, tz=UTC).strftime("%Y-%m-%d")
        file = self._current(day)
        fresh = not file.exists()
        clean = msgspec.structs.replace(
            kept, system=redacted(kept.system), user=redacted(kept.user), answer=redacted(kept.answer)
        )
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, msgspec.json.encode(clean) + b"\n")
        finally:
            os.close(descriptor)
        if fresh:
            self._prune()

    def read(self, last: int) -> list[Kept]:
        """The newest `last` questions, oldest first; a line that was cut by a crash is left out."""
        found: list[Kept] = []
        for file in reversed(self._files()):
            found = [*_lines(file), *found]
            if len(found) >= last:
                break
        return found[-last:]

    def _current(self, day: str) -> Path:
        """The day's newest file, or the next where that one is full or ends within a line."""
        files = [file for file in self._files() if file.name.startswith(day)]
        if not files:
            return self._folder / f"{day}.jsonl"
        newest = files[-1]
        if newest.stat().st_size < self._most // PARTS and _ends_with_a_line(newest):
            return newest
        return self._folder / f"{day}.{_part(newest) + 1}.jsonl"

    def _files(self) -> list[Path]:
        """Oldest first."""
        found = self._folder.glob("????-??-??*.jsonl")
        return sorted(
            (file for file in found if _NAME.fullmatch(file.name)), key=lambda file: (file.name[:10], _part(file))
        )

    def _prune(self) -> None:
        files = self._files()
        sizes = {file: file.stat().st_size for file in files}
        for file in files[:-1]:
            if sum(sizes.values()) <= self._most:
                return
            file.unlink()
            del sizes[file]


def _part(file: Path) -> int:
    """Which file of its day: 0 is the first."""
    match = _NAME.fullmatch(file.name)
    return int(match[1] or 0) if match is not None else 0


def _ends_with_a_line(file: Path) -> bool:
    with file.open("rb") as opened:
        if opened.seek(0, os.SEEK_END) == 0:
            return True
        opened.seek(-1, os.SEEK_END)
        return opened.read(1) == b"\n"


def _lines(file: Path) -> Iterator[Kept]:
    rows = file.read_bytes().split(b"\n")
    for number, row in enumerate(rows, 1):
        if not row:
            continue
        try:
            yield msgspec.json.decode(row, type=Kept)
        except msgspec.DecodeError as error:
            if number == len(rows):
                return
            raise BadInput(f"{file.name} line {number}", row[:40].decode(errors="replace"), str(error)) from error
