"""Where Trefoil keeps its files."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from engine.errors import BadInput

# sockaddr_un holds 104 bytes on macOS and 108 on Linux, the closing zero included; a few are left for a suffix.
SOCKET_PATH_BYTES = 100
_PRIVATE = 0o700


@dataclass(frozen=True, slots=True)
class Home:
    """One data directory.

    Attributes:
        root: the directory that holds everything but, where its path is long, the sockets.
    """

    root: Path

    @classmethod
    def locate(cls, environ: Mapping[str, str] | None = None) -> Home:
        """The directory named by ``TREFOIL_HOME`` in `environ` (default: the process's), else the platform's own place."""
        named = (os.environ if environ is None else environ).get("TREFOIL_HOME", "")
        root = Path(named).expanduser() if named else platformdirs.user_data_path("trefoil")
        return cls(root.absolute())

    @property
    def config(self) -> Path:
        """The settings a person writes."""
        return self.root / "config.toml"

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.root / "trefoil.db"

    @property
    def database_url(self) -> str:
        """The SQLite file as `storage.database.Database` takes it."""
        return f"sqlite+aiosqlite:///{self.database}"

    @property
    def candles(self) -> Path:
        """Root of the Parquet files."""
        return self.root / "candles"

    @property
    def models(self) -> Path:
        """Trained forecasters."""
        return self.root / "models"

    @property
    def logs(self) -> Path:
        """Log files."""
        return self.root / "logs"

    @property
    def engine_log(self) -> Path:
        """What the engine says on stderr; its last words when it ended."""
        return self.logs / "engine.log"

    @property
    def lock(self) -> Path:
        """The engine lock's file."""
        return self.root / "engine.lock"

    @property
    def run(self) -> Path:
        """Directory of the sockets: inside `root`, or a short one under the temporary directory where `root` is long."""
        inside = self.root / "run"
        if len(os.fsencode(inside / "engine.sock")) <= SOCKET_PATH_BYTES:
            return inside
        key = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"trefoil-{key}"

    @property
    def socket(self) -> Path:
        """The engine's control socket."""
        return self.run / "engine.sock"

    def create(self) -> Home:
        """Make the directories that are missing, private to this user; BadInput where that cannot be."""
        for folder in (self.root, self.candles, self.logs, self.run):
            try:
                folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
            except OSError as error:
                reason = error.strerror or "cannot be made"
                raise BadInput("data directory", folder, f"{reason}; set TREFOIL_HOME to a writable folder") from error
        self._check_run()
        return self

    def _check_run(self) -> None:
        # A directory in the shared temporary folder may have been put there by somebody else to catch the socket.
        found = self.run.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise BadInput(
                "socket directory", self.run, "it is not a folder of yours; remove it or shorten TREFOIL_HOME"
            )
        if stat.S_IMODE(found.st_mode) != _PRIVATE:
            self.run.chmod(_PRIVATE)
