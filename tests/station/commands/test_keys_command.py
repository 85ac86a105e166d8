"""`trefoil keys`: set, list, remove and check as a person runs them, with a real vault and a real keyring."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.secret_service import secret_service

pytestmark = pytest.mark.slow  # every command is a process

KEY, SECRET, PASSPHRASE = "canarykey0123456789", "canarysecret9876543210", "canary passphrase"


class Shell:
    """Runs the command line with a data directory of its own; remembers all it said."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.home = folder / "home"
        base = {k: v for k, v in os.environ.items() if not k.startswith(("TREFOIL_", "PYTHON_KEYRING", "DBUS"))}
        self.environment = base | {"TREFOIL_HOME": str(self.home)} | variables
        self.said = ""

    def __call__(self, *arguments: str, lines: tuple[str, ...] = (), fails: bool = False) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "station.cli", "keys", *arguments],
            input="".join(f"{line}\n" for line in lines),
            capture_output=True,
            text=True,
            check=False,
            env=self.environment,
        )
        self.said += done.stdout + done.stderr
        assert done.returncode == (1 if fails else 0), done.stderr
        assert "Traceback" not in done.stderr
        return (done.stderr if fails else done.stdout).strip()


def quiet(shell: Shell) -> None:
    """Nothing of the keys was said, and no file holds them in the clear."""
    for secret in (KEY, SECRET, PASSPHRASE):
        assert secret not in shell.said
        for file in shell.home.rglob("*"):
            assert not file.is_file() or secret.encode() not in file.read_bytes(), file


def test_a_vault_from_set_to_remove(tmp_path: Path) -> None:
    shell = Shell(tmp_path, PYTHON_KEYRING_BACKEND="keyring.backends.fail.Keyring")
    assert "encrypted file: trefoil keys set VENUE --vault" in shell("set", "binance", lines=(KEY, SECRET), fails=True)
    assert shell("list") == "There are no keys. Set some with: trefoil keys set binance"
    two_passphrases = (PASSPHRASE, "something else", KEY, SECRET)
    assert "the two differ" in shell("set", "binance", "--vault", lines=two_passphrases, fails=True)
    shell("set", "binance", "--vault", lines=(PASSPHRASE, PASSPHRASE, KEY, SECRET))
    shell("set", "okx", "--vault", "--testnet", lines=(PASSPHRASE, KEY, SECRET, PASSPHRASE))
    rows = json.loads(shell("list", "--json", lines=(PASSPHRASE,)))["keys"]
    assert [(row["account"], row["key"]) for row in rows] == [("binance", "…6789"), ("okx-testnet", "…6789")]
    assert "wrong passphrase" in shell("list", lines=("wrong",), fails=True)
    shell("remove", "binance", lines=(PASSPHRASE,))
    assert "there are none" in shell("remove", "binance", lines=(PASSPHRASE,), fails=True)
    assert "trefoil keys set binance" in shell("check", "binance", lines=(PASSPHRASE,), fails=True)
    quiet(shell)


def test_the_os_keyring_from_set_to_remove(tmp_path: Path) -> None:
    service = tmp_path / "service"
    service.mkdir()
    with secret_service(service) as variables:
        shell = Shell(tmp_path, **variables)
        assert "OS keyring (Secret Service)" in shell("set", "okx", lines=(KEY, SECRET, PASSPHRASE))
        rows = json.loads(shell("list", "--json"))["keys"]
        assert rows == [{"account": "okx", "place": "OS keyring (Secret Service)", "key": "…6789"}]
        shell("remove", "okx")
        assert json.loads(shell("list", "--json"))["keys"] == []
        quiet(shell)


@pytest.mark.parametrize(
    ("arguments", "lines", "says"),
    [
        (("set", "kraken"), (), "use one of binance, okx, bybit"),
        (("set", "binance", "--vault"), (PASSPHRASE, PASSPHRASE, "", SECRET), "API key: (empty)"),
        (("set", "okx", "--vault"), (PASSPHRASE, PASSPHRASE, KEY, SECRET, ""), "passphrase: (empty)"),
        (("check", "binance", "--endpoint", "http://example.org"), (), "set them with"),
    ],
)
def test_bad_input_is_one_sentence(
    tmp_path: Path, arguments: tuple[str, ...], lines: tuple[str, ...], says: str
) -> None:
    shell = Shell(tmp_path, PYTHON_KEYRING_BACKEND="keyring.backends.fail.Keyring")
    said = shell(*arguments, lines=lines, fails=True)
    assert says in said
    assert said.startswith("trefoil: ")
    assert "\n" not in said
    quiet(shell)


def test_keys_from_the_environment_are_sent_nowhere_else(tmp_path: Path) -> None:
    variables = {"TREFOIL_BINANCE_KEY": KEY, "TREFOIL_BINANCE_SECRET": SECRET}
    shell = Shell(tmp_path, PYTHON_KEYRING_BACKEND="keyring.backends.fail.Keyring", **variables)
    assert json.loads(shell("list", "--json"))["keys"][0]["place"] == "environment"
    for address in ("http://example.org", "https://127.0.0.1:1", "http://localhost.example.org:80"):
        assert "of a simulated exchange" in shell("check", "binance", "--endpoint", address, fails=True)
    assert "unset it where the process is started" in shell("remove", "binance", fails=True)
    quiet(shell)
