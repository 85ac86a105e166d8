"""A real keyring service for a test: a session bus and gnome-keyring on it, in a folder of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.absent import absent

PROGRAMS = ("dbus-daemon", "gnome-keyring-daemon")


@contextmanager
def secret_service(folder: Path) -> Iterator[dict[str, str]]:
    """Variables under which a process finds the keyring; skipped where the programs are missing, a failure in CI."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        absent(f"the OS keyring is not tested: {' and '.join(missing)} not installed")
    bus = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address=1", f"--address=unix:dir={folder}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert bus.stdout is not None
    variables = {
        "DBUS_SESSION_BUS_ADDRESS": bus.stdout.readline().strip(),
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder / "data"),
        "XDG_RUNTIME_DIR": str(folder),
    }
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TREFOIL_")} | variables
    keyring = subprocess.Popen(
        ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    assert keyring.stdin is not None
    assert keyring.stdout is not None
    keyring.stdin.write(b"unlock\n")
    keyring.stdin.close()
    keyring.stdout.readline()  # it says where its socket is once it answers
    try:
        yield variables
    finally:
        for process in (keyring, bus):
            process.terminate()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
