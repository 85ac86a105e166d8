"""Keys of models in the vault: kept, found by the voters, and never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.ai.seats import DEFAULTS
from engine.errors import BadInput
from headless.asking import with_keys
from storage.home import Home
from storage.keys.find import vault_file
from storage.keys.model_keys import checked, model_keys, place_of
from storage.keys.secret import Secret
from storage.keys.vault import Vault

PASSPHRASE, KEY = "canary passphrase", "sk-canary-0123456789abcdef"
CHEAP = 2**14


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """No keyring here, and a passphrase for the vault."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setenv("TREFOIL_VAULT_PASSPHRASE", PASSPHRASE)
    return Home(tmp_path)


def vault(home: Home) -> Vault:
    return Vault(vault_file(home), Secret(PASSPHRASE), CHEAP)


def test_a_kept_key_is_found_and_forgotten(home: Home) -> None:
    assert model_keys(home) == {}
    vault(home).keep_text(place_of("anthropic"), KEY)
    found = model_keys(home)
    assert list(found) == ["anthropic"]
    assert found["anthropic"].reveal() == KEY
    assert KEY not in repr(found)
    assert KEY.encode() not in vault_file(home).read_bytes()
    assert vault(home).forget_text(place_of("anthropic"))
    assert not vault(home).forget_text(place_of("anthropic"))
    assert model_keys(home) == {}


def test_seats_get_kept_keys_unless_the_environment_has_one(home: Home) -> None:
    for provider in ("openai", "anthropic"):
        vault(home).keep_text(place_of(provider), KEY)
    told: list[str] = []
    seats = with_keys(DEFAULTS, home, {"OPENAI_API_KEY": "from the environment"}, told.append)
    assert [seat.key for seat in seats] == ["", KEY, ""]
    assert KEY not in repr(seats)
    assert told == []


def test_a_locked_vault_is_told_of(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    vault(home).keep_text(place_of("openai"), KEY)
    monkeypatch.setenv("TREFOIL_VAULT_PASSPHRASE", "another one")
    told: list[str] = []
    assert with_keys(DEFAULTS, home, {}, told.append) == list(DEFAULTS)
    (sentence,) = told
    assert "wrong passphrase" in sentence


def test_nothing_is_read_where_every_seat_is_configured(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    vault(home).keep_text(place_of("openai"), KEY)
    monkeypatch.setenv("TREFOIL_VAULT_PASSPHRASE", "another one")
    everything = {"OPENAI_API_KEY": "a", "ANTHROPIC_API_KEY": "b", "OLLAMA_HOST": "c"}
    told: list[str] = []
    assert with_keys(DEFAULTS, home, everything, told.append) == list(DEFAULTS)
    assert told == []


@pytest.mark.parametrize("text", ["", " ", "two words", "ключ", "x" * 513, "a\tb"])
def test_what_is_no_key_is_refused_unseen(text: str) -> None:
    with pytest.raises(BadInput, match=r"\(hidden\)"):
        checked("openai", text)


def test_only_known_providers_have_a_place() -> None:
    with pytest.raises(BadInput, match="use one of openai, anthropic, ollama"):
        place_of("acme")
