"""The models kept in a data directory: their files, which one is in use, and how they do live.

A model's file never changes. What is decided about it later stands in ``shelf.json``, written whole and atomically.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.errors import BadInput
from engine.forecast.model_file import SUFFIX, Header, read
from engine.model.forecast import Live, ModelInUse

INDEX, LOCK = "shelf.json", "shelf.lock"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided about a model.

    Attributes:
        promoted: it is in use for its symbol and timeframe.
        demoted: why it is no longer trusted; empty: as evaluated.
        live: how its forecasts did since.
        round: how often it was promoted; each time it is judged anew.
    """

    promoted: bool = False
    demoted: str = ""
    live: Live = Live()
    round: int = 0


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
        return self.standing.demoted or self.header.evaluation.verdict.words

    @property
    def in_use(self) -> ModelInUse:
        """What an engine must know of it."""
        header, standing = self.header, self.standing
        return ModelInUse(
            model=header.id,
            round=standing.round,
            passed=header.trusted,
            verdict=header.evaluation.verdict.words,
            distrusted=standing.demoted,
            horizon=header.recipe.horizon,
            half_width=header.half_width,
            error_mean=header.error_mean,
            error_deviation=header.error_deviation,
            live=standing.live,
        )


class Shelf:
    """The models in a folder, which is made when the first one is put there.

    Args:
        folder: ``models`` in a data directory.
        shipped: folder of the models that come with the package, read only; or None.
    """

    def __init__(self, folder: Path, shipped: Path | None = None) -> None:
        self.folder = folder
        self._shipped = shipped
        self._headers: dict[Path, tuple[tuple[int, int, int], Header]] = {}

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
        with self._changing() as standings:
            standings[model] = standing

    def record(self, models: Mapping[str, ModelInUse]) -> None:
        """Keep how models (by id) did live and that they drifted; what a person decided meanwhile stays."""
        with self._changing() as standings:
            for model, new in models.items():
                known = standings.get(model, Standing())
                if known.round == new.round:
                    standings[model] = msgspec.structs.replace(
                        known, live=new.live, demoted=known.demoted or new.distrusted
                    )

    def stamp(self) -> tuple[int, int, int]:
        """Changes whenever anything was decided; zeros while there is no index that could be read."""
        try:
            found = (self.folder / INDEX).stat()
        except OSError:
            return 0, 0, 0
        return found.st_mtime_ns, found.st_size, found.st_ino

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
                header = self._header(path)
            except BadInput as error:
                wrong.append(str(error))
                continue
            if all(header.id != one.header.id for one in kept):
                kept.append(Kept(path, header, standings.get(header.id, Standing())))
        return sorted(kept, key=lambda one: one.header.created, reverse=True), wrong

    def _header(self, path: Path) -> Header:
        """Of a file; one that has not changed since is not checked again. Raises BadInput as `read` does."""
        try:
            found = path.stat()
        except OSError as error:
            raise BadInput("model file", path, error.strerror or "cannot be read") from error
        stamp = found.st_mtime_ns, found.st_size, found.st_ino
        known = self._headers.get(path)
        if known is None or known[0] != stamp:
            known = self._headers[path] = stamp, read(path)[0]
        return known[1]

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
        wanted = self.find(key).header
        with self._changing() as standings:
            for one in self.kept()[0]:
                if _of(one, wanted.symbol, wanted.timeframe_ms) and one.standing.promoted:
                    standings[one.header.id] = msgspec.structs.replace(one.standing, promoted=False)
            before = standings.get(wanted.id, Standing())
            standings[wanted.id] = Standing(promoted=True, round=before.round + 1)
        return self.find(wanted.id)

    def use(self, kept: Kept) -> Kept:
        """Mark a model as in use that serves because there is no other; its record stays."""
        with self._changing() as standings:
            before = standings.get(kept.header.id, Standing())
            standings[kept.header.id] = msgspec.structs.replace(before, promoted=True)
        return self.find(kept.header.id)

    def demote(self, key: str, reason: str) -> Kept:
        """Trust a model no longer; it goes on forecasting and being scored."""
        model = self.find(key).header.id
        with self._changing() as standings:
            standings[model] = msgspec.structs.replace(standings.get(model, Standing()), demoted=reason)
        return self.find(model)

    def remove(self, key: str) -> Kept:
        """Delete a model's file; raises BadInput for one that came with the package."""
        kept = self.find(key)
        if kept.path.parent != self.folder:
            raise BadInput("model", key, "it comes with the package and cannot be removed")
        with self._changing() as standings:
            kept.path.unlink()
            standings.pop(kept.header.id, None)
        return kept

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Standing]]:
        """The standings, written when the block ends; engine and commands change them one after another."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / LOCK).open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            standings = self.standings()
            yield standings
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
