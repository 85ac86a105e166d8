"""The models kept in a data directory: their files, which one is in use, and how they do live.

A model's file never changes. What is decided about it later stands in ``shelf.json``, written whole and atomically.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.errors import BadInput
from engine.forecast.model_file import SUFFIX, Header, read

INDEX = "shelf.json"


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """Forecasts that were made live and have come due.

    Attributes:
        scored: how many.
        moved: how many of them moved at all.
        hits: of those, how many had the direction right.
        inside: how many ended within the interval.
        error: sum of absolute errors in volatilities.
    """

    scored: int = 0
    moved: int = 0
    hits: int = 0
    inside: int = 0
    error: float = 0.0


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided about a model: in use or not, and why it is no longer trusted (empty: as evaluated)."""

    promoted: bool = False
    demoted: str = ""
    live: Live = Live()


@dataclass(frozen=True, slots=True)
class Kept:
    """A model on the shelf."""

    path: Path
    header: Header
    standing: Standing

    @property
    def trusted(self) -> bool:
        """By its evaluation, and not demoted since."""
        return self.header.trusted and not self.standing.demoted

    @property
    def reason(self) -> str:
        """One sentence on why it is or is not trusted."""
        return self.standing.demoted or self.header.evaluation.verdict.sentence


class Shelf:
    """The models in a folder, which is made when the first one is put there.

    Args:
        folder: ``models`` in a data directory.
        shipped: folder of the models that come with the package, read only; or None.
    """

    def __init__(self, folder: Path, shipped: Path | None = None) -> None:
        self.folder = folder
        self._shipped = shipped

    def standings(self) -> dict[str, Standing]:
        """By model id; raises BadInput where the index cannot be read."""
        file = self.folder / INDEX
        try:
            return msgspec.json.decode(file.read_bytes(), type=dict[str, Standing])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError) as error:
            raise BadInput("model index", file, f"cannot be read ({error}); remove it and promote again") from error

    def put_standing(self, model: str, standing: Standing) -> None:
        """Keep what was decided about a model."""
        self._write({**self.standings(), model: standing})

    def record(self, standings: dict[str, Standing]) -> None:
        """Keep how models did live and whether they were demoted; what a person promoted meanwhile stays."""
        known = self.standings()
        for model, new in standings.items():
            promoted = known.get(model, new).promoted
            known[model] = msgspec.structs.replace(new, promoted=promoted)
        self._write(known)

    def add(self, header: Header, data: bytes) -> Path:
        """Keep a model's file; the same model twice is one."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / f"{header.id}{SUFFIX}"
        _replace(path, data)
        return path

    def files(self) -> list[Path]:
        """All model files, our own first."""
        own = sorted(self.folder.glob(f"*{SUFFIX}"))
        return own + (sorted(self._shipped.glob(f"*{SUFFIX}")) if self._shipped is not None else [])

    def kept(self) -> tuple[list[Kept], list[str]]:
        """Readable models, newest first, and a sentence for each file that is not one."""
        standings = self.standings()
        kept: list[Kept] = []
        wrong: list[str] = []
        for path in self.files():
            try:
                header, _ = read(path)
            except BadInput as error:
                wrong.append(str(error))
                continue
            if all(header.id != one.header.id for one in kept):
                kept.append(Kept(path, header, standings.get(header.id, Standing())))
        return sorted(kept, key=lambda one: one.header.created, reverse=True), wrong

    def find(self, key: str) -> Kept:
        """The model whose id begins with `key`; raises BadInput for none or several."""
        kept, _ = self.kept()
        found = [one for one in kept if one.header.id.startswith(key)] if key else []
        if len(found) != 1:
            ids = ", ".join(one.header.id for one in found or kept) or "none"
            raise BadInput("model", key, f"{'several begin so' if found else 'there is no such model'}: {ids}")
        return found[0]

    def in_use(self, symbol: str, timeframe_ms: int) -> Kept | None:
        """The promoted model of a symbol and timeframe."""
        kept, _ = self.kept()
        return next((one for one in kept if one.standing.promoted and _of(one, symbol, timeframe_ms)), None)

    def tries(self, symbol: str, timeframe_ms: int) -> int:
        """How many models of a symbol and timeframe have been trained and kept."""
        return sum(_of(one, symbol, timeframe_ms) for one in self.kept()[0])

    def promote(self, key: str) -> Kept:
        """Use this model for its symbol and timeframe, instead of another one; it is judged anew from here on."""
        wanted = self.find(key)
        standings = self.standings()
        for one in self.kept()[0]:
            if _of(one, wanted.header.symbol, wanted.header.timeframe_ms) and one.standing.promoted:
                standings[one.header.id] = msgspec.structs.replace(one.standing, promoted=False)
        standings[wanted.header.id] = Standing(promoted=True)
        self._write(standings)
        return self.find(wanted.header.id)

    def demote(self, key: str, reason: str) -> Kept:
        """Trust a model no longer; it goes on forecasting and being scored."""
        kept = self.find(key)
        self.put_standing(kept.header.id, msgspec.structs.replace(kept.standing, demoted=reason))
        return self.find(kept.header.id)

    def remove(self, key: str) -> Kept:
        """Delete a model's file; raises BadInput for one that came with the package."""
        kept = self.find(key)
        if kept.path.parent != self.folder:
            raise BadInput("model", key, "it comes with the package and cannot be removed")
        kept.path.unlink()
        standings = self.standings()
        standings.pop(kept.header.id, None)
        self._write(standings)
        return kept

    def _write(self, standings: dict[str, Standing]) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _replace(self.folder / INDEX, msgspec.json.format(msgspec.json.encode(standings), indent=2))


def _of(kept: Kept, symbol: str, timeframe_ms: int) -> bool:
    return (kept.header.symbol, kept.header.timeframe_ms) == (symbol, timeframe_ms)


def _replace(path: Path, data: bytes) -> None:
    """Write whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
