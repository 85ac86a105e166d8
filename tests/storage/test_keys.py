"""Keys at rest: what a secret shows, the vault file byte by byte, a keyring that is safe and those that are not."""

from __future__ import annotations

import copy
import json
import os
import pickle
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import BadInput
from storage.home import Home
from storage.keys.credentials import ACCOUNTS, Account, Credentials, checked, from_text, to_text
from storage.keys.environment import EnvironmentStore, without_secrets
from storage.keys.find import needed
from storage.keys.secret import Secret
from storage.keys.vault import Vault
from tests.secret_service import secret_service

CANARY = "canary0key1canary2secret3"
COST = 2**14
BINANCE, OKX = Account("binance"), Account("okx")
KEYS = Credentials(Secret("key-" + CANARY), Secret("secret-" + CANARY))
PASSPHRASE = Secret("correct horse battery")


def same(one: Credentials | None, other: Credentials) -> bool:
    return one is not None and to_text(one) == to_text(other)


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{!s:>30}".format, "{!a}".format])
def test_a_secret_does_not_show(show: Callable[[object], str]) -> None:
    assert CANARY not in show(Secret(CANARY))
    assert CANARY not in show(KEYS)
    assert CANARY not in show([{"inside": KEYS}])


def test_a_format_with_a_width_does_not_show_it_either() -> None:
    assert f"{Secret(CANARY):>30}" == "***"


def test_a_secret_cannot_slip_out() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Secret(CANARY))
    with pytest.raises(TypeError):
        copy.deepcopy(Secret(CANARY))
    with pytest.raises(TypeError):
        json.dumps(Secret(CANARY))
    with pytest.raises(TypeError):
        msgspec.json.encode(Secret(CANARY))
    with pytest.raises(TypeError):
        hash(Secret(CANARY))
    assert Secret(CANARY) == Secret(CANARY)
    assert Secret(CANARY) != Secret(CANARY + "x")
    assert Secret(CANARY).masked() == "…ret3"
    assert Secret("short").masked() == "***"


@pytest.mark.parametrize(
    ("venue", "given_", "field"),
    [
        ("binance", ("", "s", ""), "API key"),
        ("binance", ("k", "", ""), "secret"),
        ("okx", ("k", "s", ""), "passphrase"),
        ("binance", ("k", "s", "p"), "passphrase"),
        ("binance", ("k k", "s", ""), "API key"),
        ("binance", ("k", "ключ", ""), "secret"),
        ("binance", ("k", "s\x1b[2J", ""), "secret"),
        ("binance", ("k" * 600, "s", ""), "API key"),
    ],
)
def test_what_cannot_be_a_key_is_refused_unshown(venue: str, given_: tuple[str, str, str], field: str) -> None:
    with pytest.raises(BadInput) as refused:
        checked(Account(venue), *given_)
    assert refused.value.field == field
    assert refused.value.value in {"(empty)", "(hidden)"}


def test_an_unknown_venue_is_refused() -> None:
    with pytest.raises(BadInput, match="binance, okx, bybit"):
        Account("kraken")


def test_unreadable_stored_text_is_not_quoted() -> None:
    with pytest.raises(BadInput) as refused:
        from_text(f'{{"api_key": {CANARY}', "somewhere")
    assert CANARY not in str(refused.value)
    assert refused.value.__cause__ is None


def test_the_vault_keeps_finds_and_forgets(tmp_path: Path) -> None:
    file = tmp_path / "keys.vault"
    vault = Vault(file, PASSPHRASE, COST)
    assert vault.load(BINANCE) is None
    vault.save(BINANCE, KEYS)
    other = Credentials(Secret("k2"), Secret("s2"), Secret("p2"))
    Vault(file, PASSPHRASE, COST).save(OKX, other)
    again = Vault(file, PASSPHRASE, COST)
    assert same(again.load(BINANCE), KEYS)
    assert same(again.load(OKX), other)
    assert again.accounts() == [BINANCE, OKX]
    assert again.remove(BINANCE)
    assert not again.remove(BINANCE)
    assert again.load(BINANCE) is None
    assert same(again.load(OKX), other)


def test_the_vault_file_is_private_sealed_and_alone(tmp_path: Path) -> None:
    file = tmp_path / "keys.vault"
    before = os.umask(0)
    try:
        Vault(file, PASSPHRASE, COST).save(BINANCE, KEYS)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["keys.vault"]
    content = file.read_bytes()
    assert CANARY.encode() not in content
    assert b"binance" not in content
    assert PASSPHRASE.reveal().encode() not in content
    Vault(file, PASSPHRASE, COST).save(BINANCE, KEYS)
    assert file.read_bytes().split(b"\n")[1] != content.split(b"\n")[1]  # a new salt and nonce each time


def test_the_file_that_is_written_by_default_costs_what_owasp_asks(tmp_path: Path) -> None:
    file = tmp_path / "keys.vault"
    Vault(file, PASSPHRASE).save(BINANCE, KEYS)
    header = json.loads(file.read_bytes().split(b"\n")[1])
    assert (header["n"], header["r"], header["p"]) == (2**17, 8, 1)


def test_a_wrong_passphrase_is_one_plain_sentence_and_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "keys.vault"
    Vault(file, PASSPHRASE, COST).save(BINANCE, KEYS)
    before = file.read_bytes()
    wrong = Vault(file, Secret("wrong horse"), COST)
    for act in (lambda: wrong.load(BINANCE), lambda: wrong.save(OKX, KEYS), lambda: wrong.remove(BINANCE)):
        with pytest.raises(BadInput, match="wrong passphrase") as refused:
            act()
        assert "\n" not in str(refused.value)
        assert "wrong horse" not in str(refused.value)
    assert file.read_bytes() == before


def test_a_short_passphrase_opens_no_new_vault(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="at least 8"):
        Vault(tmp_path / "keys.vault", Secret("short"), COST).save(BINANCE, KEYS)
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    file = tmp_path_factory.mktemp("vault") / "keys.vault"
    Vault(file, PASSPHRASE, COST).save(BINANCE, KEYS)
    return file.read_bytes()


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_every_change_of_the_file_is_noticed(
    sealed: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(sealed) - 1))
    bit = data.draw(st.integers(0, 7))
    spoiled = bytearray(sealed)
    spoiled[place] ^= 1 << bit
    file = tmp_path_factory.mktemp("spoiled") / "keys.vault"
    file.write_bytes(spoiled)
    with pytest.raises(BadInput, match="vault file"):
        Vault(file, PASSPHRASE, COST).load(BINANCE)


@pytest.mark.parametrize("content", [b"", b"trefoil-vault 1", b"trefoil-vault 1\n{}\nx", b"a\nb\nc", b"\xff" * 64])
def test_what_is_no_vault_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "keys.vault"
    file.write_bytes(content)
    with pytest.raises(BadInput, match="no vault"):
        Vault(file, PASSPHRASE, COST).load(BINANCE)


def test_a_vault_that_wants_all_memory_is_refused(sealed: bytes, tmp_path: Path) -> None:
    file = tmp_path / "keys.vault"
    file.write_bytes(sealed.replace(b'"n":16384', b'"n":1073741824'))
    with pytest.raises(BadInput, match="no vault"):
        Vault(file, PASSPHRASE, COST).load(BINANCE)


def test_the_environment_gives_keys_whole_or_not_at_all() -> None:
    given_ = {"TREFOIL_OKX_KEY": "k", "TREFOIL_OKX_SECRET": "s", "TREFOIL_OKX_PASSPHRASE": "p"}
    assert same(EnvironmentStore(given_).load(OKX), Credentials(Secret("k"), Secret("s"), Secret("p")))
    assert EnvironmentStore(given_).load(BINANCE) is None
    for name in given_:
        with pytest.raises(BadInput) as refused:
            EnvironmentStore({k: v for k, v in given_.items() if k != name}).load(OKX)
        assert refused.value.value == name
    testnet = {"TREFOIL_BINANCE_TESTNET_KEY": "k", "TREFOIL_BINANCE_TESTNET_SECRET": "s"}
    assert EnvironmentStore(testnet).load(BINANCE) is None
    assert EnvironmentStore(testnet).load(Account("binance", testnet=True)) is not None
    assert without_secrets({**given_, **testnet, "PATH": "/bin"}) == {"PATH": "/bin"}


def test_without_keys_one_sentence_says_how_to_set_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    home = Home(tmp_path).create()
    for account in ACCOUNTS:
        with pytest.raises(BadInput, match=f"trefoil keys set {account.venue}"):
            needed(home, account)


def ask_keyring(code: str, **variables: str) -> str:
    """Run a few lines in a process of their own, since keyring chooses its backend once a process."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("TREFOIL_", "PYTHON_KEYRING", "DBUS"))}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment | variables
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


OPEN_ONE = """
from engine.errors import BadInput
from storage.keys.os_keyring import OsKeyring
try:
    print(OsKeyring().name)
except BadInput as error:
    print(f"{error.value}: {error.remedy}")
"""
PLAIN_FILE = """
from keyring.backend import KeyringBackend
class Keyring(KeyringBackend):
    priority = 9
    def get_password(self, service, username): return "plain"
    def set_password(self, service, username, password): open("keys.txt", "w").write(password)
"""


@pytest.mark.parametrize(
    ("backend", "says"),
    [
        ("keyring.backends.null.Keyring", "keyring.backends.null.Keyring: it does not keep secrets encrypted"),
        ("keyring.backends.fail.Keyring", "none: no keyring answers here"),
        ("keyrings_plain.file.Keyring", "keyrings_plain.file.Keyring: it does not keep secrets encrypted"),
        ("no.such.Keyring", "ModuleNotFoundError: the configured backend cannot be used"),
    ],
)
def test_a_keyring_that_does_not_encrypt_is_refused(backend: str, says: str, tmp_path: Path) -> None:
    folder = tmp_path / "keyrings_plain"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "file.py").write_text(PLAIN_FILE)
    path = f"{tmp_path}:{Path(__file__).resolve().parents[2]}"
    assert ask_keyring(OPEN_ONE, PYTHON_KEYRING_BACKEND=backend, PYTHONPATH=path).startswith(says)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with secret_service(tmp_path_factory.mktemp("keyring")) as variables:
        yield variables


KEEP_ONE = """
from storage.keys.credentials import Account, Credentials, to_text
from storage.keys.os_keyring import OsKeyring
from storage.keys.secret import Secret
store, account = OsKeyring(), Account("okx", testnet=True)
before = store.load(account)
store.save(account, Credentials(Secret("k"), Secret("s"), Secret("p")))
after = OsKeyring().load(account)
print(store.name, before, to_text(after), store.load(Account("okx")), store.remove(account), store.remove(account))
"""


def test_the_real_keyring_keeps_finds_and_forgets(service: dict[str, str]) -> None:
    kept = '{"api_key":"k","secret":"s","passphrase":"p"}'
    assert ask_keyring(KEEP_ONE, **service) == f"OS keyring (Secret Service) None {kept} None True False"
