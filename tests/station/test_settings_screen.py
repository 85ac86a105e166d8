"""The Settings screen: what is in force, keys that are set, checked and removed, and secrets that appear nowhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from engine.errors import BadInput
from engine.model.own import Rights
from headless.key_chest import KeyChest
from headless.settings import Hidden, KeysFailed, SettingsSource
from station.actions import ON_SETTINGS, of_place
from station.app import StationApp
from station.screens.confirm import Confirm
from station.screens.desk import DeskScreen
from station.screens.key_entry import KeyEntry
from station.screens.settings import SettingsScreen
from station.theme_file import keep_theme, read_theme
from storage.home import Home
from storage.keys.credentials import Account
from storage.keys.secret import Secret
from storage.keys.vault import Vault
from tests.station.fake_settings import FakeSettings
from tests.station.fake_source import FakeSource
from widgets.facts_panel import FactsPanel
from widgets.keys_panel import KeysPanel, RightsPanel
from widgets.panel import Panel

KEY, SECRET, WORD = "canarykey0123456789", "canarysecret9876543210", "canary passphrase"
CANARIES = (KEY, SECRET, WORD)


def painted(screen: SettingsScreen, kind: type[Panel]) -> str:
    panel = screen.query_one(kind)
    lines = [panel.render_line(y).text.rstrip() for y in range(panel.content_size.height)]
    return "\n".join([panel.title_text, *lines])


async def settle(pilot: Pilot[None]) -> None:
    for _ in range(2):
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        if isinstance(pilot.app.screen, SettingsScreen):
            pilot.app.screen._paint()
    await pilot.pause()


@asynccontextmanager
async def opened(
    settings: SettingsSource, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[Pilot[None], SettingsScreen]]:
    app = StationApp(FakeSource(), keys={}, theme="", symbol=None, settings=settings)
    async with app.run_test(size=size) as pilot:
        await pilot.press("7")
        await settle(pilot)
        assert isinstance(app.screen, SettingsScreen)
        yield pilot, app.screen


async def typed(pilot: Pilot[None], *texts: str) -> None:
    """Into the hidden fields, one after the other."""
    assert isinstance(pilot.app.screen, KeyEntry)
    for field, text in zip(pilot.app.screen.query(Input), texts, strict=True):
        assert field.password
        field.value = text
        await pilot.press("enter")
    await settle(pilot)


def test_every_key_of_the_screen_is_known() -> None:
    ways = {"desk", "backtest", "positions", "signals", "models", "ai"}
    own = {"key_set", "key_check", "key_remove", "unlock"}
    rest = {"pause", "kill", "mode", "panel", "previous_panel", "maximise", "theme", "palette", "help", "quit"}
    assert {a.id for a in of_place(ON_SETTINGS)} == ways | own | rest


async def test_it_shows_what_is_in_force_and_whose_keys_are_set() -> None:
    async with opened(FakeSettings()) as (_, screen):
        facts, keys = painted(screen, FactsPanel), painted(screen, KeysPanel)
        for words in ("mode", "DEMO", "approve", "0.5 % of equity", "at most 3x", "/home/ada", "trefoil"):
            assert words in facts
        assert "Keys 3 set" in keys
        assert "OS keyring" in keys
        assert "…6789" in keys
        assert keys.count("not set") == 6


@pytest.mark.parametrize(
    ("steps", "name", "texts"),
    [
        (1, "binance-testnet", (KEY, SECRET)),
        (3, "okx-testnet", (KEY, SECRET, WORD)),
        (6, "openai", (KEY,)),
    ],
)
async def test_a_key_is_typed_hidden_and_kept(steps: int, name: str, texts: tuple[str, ...]) -> None:
    settings = FakeSettings()
    async with opened(settings) as (pilot, screen):
        await pilot.press(*["down"] * steps, "e")
        await typed(pilot, *texts)
        assert settings.kept == [(name, list(texts))]
        assert f"The key of {name} is kept in" in painted(screen, RightsPanel)


async def test_an_empty_field_keeps_nothing_and_escape_leaves() -> None:
    settings = FakeSettings()
    async with opened(settings) as (pilot, _):
        await pilot.press("e")
        await typed(pilot, KEY, "")
        assert isinstance(pilot.app.screen, KeyEntry)
        await pilot.press("escape")
        await settle(pilot)
        assert settings.kept == []


@pytest.mark.parametrize(
    ("rights", "words"),
    [
        (Rights(True, True, False, True), ("✓ read the account", "✓ trade futures", "✓ withdraw money", "no")),
        (Rights(True, True, False, False, warnings=("bind it",)), ("✗ bound to addresses", "! bind it")),
        (Rights(True, True, True, True, refused="it may withdraw money"), ("✗ withdraw money", "REFUSED: it may")),
    ],
)  # fmt: skip
async def test_a_check_shows_each_right(rights: Rights, words: tuple[str, ...]) -> None:
    async with opened(FakeSettings(rights=rights)) as (pilot, screen):
        await pilot.press("c")
        await settle(pilot)
        for text in words:
            assert text in painted(screen, RightsPanel)


async def test_a_refusal_is_one_sentence_and_a_key_that_is_not_there_is_not_checked() -> None:
    async with opened(FakeSettings(trouble="binance -2015: the key is not valid")) as (pilot, screen):
        await pilot.press("c")
        await settle(pilot)
        assert "binance -2015: the key is not valid" in painted(screen, RightsPanel)
        await pilot.press("down", "c", "d")
        await settle(pilot)
        assert screen._rights == {}


async def test_removing_asks_first() -> None:
    settings = FakeSettings()
    async with opened(settings) as (pilot, screen):
        for answer, left in (("n", 3), ("y", 2)):
            await pilot.press("d")
            await pilot.pause()
            assert isinstance(pilot.app.screen, Confirm)
            await pilot.press(answer)
            await settle(pilot)
            assert f"Keys {left} set" in painted(screen, KeysPanel)


async def test_the_vault_is_opened_and_closed_again_when_one_leaves() -> None:
    settings = FakeSettings(locked=True)
    async with opened(settings) as (pilot, screen):
        assert "vault locked" in painted(screen, KeysPanel)
        await pilot.press("u")
        await typed(pilot, WORD)
        assert settings.opened == [WORD]
        assert settings.locks == 0
        assert "vault locked" not in painted(screen, KeysPanel)
        await pilot.press("1")
        await pilot.pause()
        assert isinstance(pilot.app.screen, DeskScreen)
        assert settings.locks == 1


def everything(pilot: Pilot[None]) -> str:
    """All that is on screen, and how every widget prints."""
    out = ["".join(s.text for s in strip) for strip in pilot.app.screen._compositor.render_strips()]
    for screen in pilot.app.screen_stack:
        out += [repr(widget) for widget in screen.walk_children()]
    return "\n".join(out)


async def test_no_secret_appears_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Real vault, real files: canaries are typed, and every byte shown, printed, logged or written is searched."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    home = Home(tmp_path / "home").create()
    chest = KeyChest(home, home.root, environ={})
    shown = ""
    async with opened(chest) as (pilot, screen):
        for keys, texts in ((("u",), (WORD,)), (("down", "down", "e"), (KEY, SECRET, WORD))):
            await pilot.press(*keys)
            await pilot.pause()
            for field, text in zip(pilot.app.screen.query(Input), texts, strict=True):
                field.value = text
            await pilot.press("tab")
            shown += everything(pilot)
            await pilot.press("shift+tab")
            for _ in texts:
                await pilot.press("enter")
            await settle(pilot)
        shown += everything(pilot) + painted(screen, KeysPanel) + painted(screen, RightsPanel)
        assert "The key of okx is kept in: vault file" in painted(screen, RightsPanel)
        assert "set" in painted(screen, KeysPanel)
    stored = Vault(home.root / "keys.vault", Secret(WORD)).load(Account("okx"))
    assert stored is not None
    assert (stored.api_key.reveal(), stored.secret.reveal(), stored.passphrase.reveal()) == (KEY, SECRET, WORD)
    for canary in CANARIES:
        assert canary not in shown + caplog.text
        for file in tmp_path.rglob("*"):
            assert not file.is_file() or canary.encode() not in file.read_bytes(), file


def broken(event: Input.Changed) -> None:
    """A handler with the secret in its variables."""
    secret = event.value
    raise ZeroDivisionError(len(secret))


async def test_a_crash_while_a_key_is_typed_prints_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    app = StationApp(FakeSource(), keys={}, theme="", symbol=None, settings=FakeSettings())

    async def crash() -> None:
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("7")
            await settle(pilot)
            await pilot.press("e")
            field = pilot.app.screen.query_one("#part0", Input)
            field.value = KEY
            try:
                broken(Input.Changed(field, KEY))
            except ZeroDivisionError as error:
                app._handle_exception(error)

    with pytest.raises(ZeroDivisionError):
        await crash()
    said = capsys.readouterr().err
    assert "ZeroDivisionError" in said
    assert KEY not in said


async def test_a_check_asks_by_a_process_and_says_its_sentence(tmp_path: Path) -> None:
    home = Home(tmp_path).create()
    environ = {"TREFOIL_BINANCE_KEY": KEY, "TREFOIL_BINANCE_SECRET": SECRET, "PATH": "/usr/bin:/bin"}
    chest = KeyChest(home, home.root, endpoint="http://example.org", environ=environ)
    with pytest.raises(KeysFailed, match="of a simulated exchange"):
        await chest.check("binance")
    with pytest.raises(KeysFailed, match="tells no rights"):
        await chest.check("openai")


async def test_wrong_passphrases_and_locked_vaults_are_sentences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    home = Home(tmp_path).create()
    chest = KeyChest(home, home.root, environ={})
    with pytest.raises(KeysFailed, match="unlock the vault first"):
        await chest.keep("openai", (Hidden(KEY),))
    with pytest.raises(BadInput, match="at least 8"):
        await chest.unlock(Hidden("short"))
    Vault(home.root / "keys.vault", Secret(WORD), cost=2**14).keep_text("model-openai", KEY)
    with pytest.raises(BadInput, match="wrong passphrase"):
        await chest.unlock(Hidden("another one"))
    assert (await chest.keys()).locked
    with pytest.raises(KeysFailed, match="locked"):
        await chest.forget("openai")
    await chest.unlock(Hidden(WORD))
    rows = {row.name: row for row in (await chest.keys()).rows}
    assert (rows["openai"].place.startswith("vault file"), rows["openai"].masked) == (True, "…6789")
    assert "gone from: vault file" in await chest.forget("openai")
    chest.lock()
    assert (await chest.keys()).locked


THEMED: dict[str, tuple[str, str]] = {
    "no file": ("", 'theme = "amber"\n'),
    "a file without it": ("[trading]\nautonomy = 'auto'\n", "theme = \"amber\"\n[trading]\nautonomy = 'auto'\n"),
    "a file with it": ("# mine\ntheme = 'contrast' # loud\n\n[feed]\n", '# mine\ntheme = "amber"\n\n[feed]\n'),
    "a section's own": ("[x]\ntheme = 1\n", 'theme = "amber"\n[x]\ntheme = 1\n'),
}


@pytest.mark.parametrize("name", THEMED)
def test_the_theme_is_written_and_every_other_line_stays(tmp_path: Path, name: str) -> None:
    before, after = THEMED[name]
    file = tmp_path / "config.toml"
    if before:
        file.write_text(before)
    keep_theme(file, "amber")
    assert file.read_text() == after
    assert read_theme(file, {}) == "amber"
    assert read_theme(file, {"TREFOIL_THEME": "contrast"}) == "contrast"


def test_a_theme_nobody_knows_and_a_file_that_is_no_toml_are_sentences(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    assert read_theme(file, {}) == ""
    file.write_text('theme = "pink"\n')
    with pytest.raises(BadInput, match="use one of trefoil, amber"):
        read_theme(file, {})
    file.write_text("theme = \n")
    with pytest.raises(BadInput, match="cannot be kept"):
        keep_theme(file, "amber")
    assert file.read_text() == "theme = \n"


async def test_a_chosen_theme_is_the_next_starts(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    app = StationApp(
        FakeSource(), keys={}, theme=read_theme(file, {}), symbol=None, keep_theme=partial(keep_theme, file)
    )
    async with app.run_test(size=(120, 40)) as pilot:
        assert not file.exists()
        await pilot.press("t")
        await pilot.pause()
        assert read_theme(file, {}) == app.theme == "amber"
