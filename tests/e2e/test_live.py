"""Live trading against the simulated exchange: keys, confirmation, approve, orders; and no secret in any byte written."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from engine.errors import BadInput
from engine.model.command import Autonomy, PlaceOrder, SetAutonomy
from engine.model.order import OrderKind, Side
from engine.venues.account_api import Permissions
from headless.accounts import refusal, warnings
from headless.birth import process_birth
from headless.client import EngineClient
from headless.options import Options
from headless.session import Process, lives, read_session, spawn, stop
from station.live import folder_of, prepare
from storage.database import Database
from storage.home import Home
from storage.keys.credentials import Account, Credentials, to_text
from storage.keys.find import vault_file
from storage.keys.secret import Secret
from storage.keys.vault import Vault
from storage.lease import Lease
from tests.e2e.rig import Rig, rig, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

BINANCE = Account("binance")
VENUES = ("binance", "okx", "bybit")
SYMBOL = "BTC/USDT:USDT"
PASSPHRASE = Secret("vault passphrase canary")
SIMULATE = ["--symbols", "2", "--speed", "20", "--seed", "9"]


@pytest.fixture(autouse=True)
def state_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The locks of accounts lie in the user's state folder; here in one of the test's own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")


def keep_keys(home: Home, one: Rig, secret: str = "", account: Account = BINANCE) -> Credentials:
    """The exchange's keys into a vault."""
    keys = one.addresses.keys
    passphrase = Secret(keys["passphrase"] if account.venue == "okx" else "")
    credentials = Credentials(Secret(keys["apiKey"]), Secret(secret or keys["secret"]), passphrase)
    Vault(vault_file(home), PASSPHRASE, cost=2**14).save(account, credentials)
    return credentials


def configure(home: Home, account: Account = BINANCE) -> None:
    """The simulated market lists two contracts; one-minute decisions warm up quickly."""
    folder = folder_of(home, account)
    folder.mkdir(parents=True, mode=0o700)
    symbols = json.dumps([SYMBOL, "ETH/USDT:USDT"])
    (folder / "config.toml").write_text(f'[trading]\ntimeframe = "1m"\n\n[feed]\nsymbols = {symbols}\n')


def go(
    home: Home, one: Rig, said: list[str] | None = None, answer: str | None = None, account: Account = BINANCE
) -> Path:
    def ask(text: str) -> str:
        if said is not None:
            said.append(text)
        return f"{account.venue.upper()} LIVE\n" if answer is None else answer

    launch = prepare(home, account, one.addresses.rest, lambda: PASSPHRASE, ask)
    launch.begin()
    return launch.folder


def engine_of(folder: Path) -> Process:
    session = read_session(Home(folder).run / "session.json")
    assert session is not None
    return session.engine


def written(*folders: Path) -> dict[str, bytes]:
    """Every byte in every file."""
    return {str(file): file.read_bytes() for folder in folders for file in folder.rglob("*") if file.is_file()}


def shown(process: Process) -> bytes:
    """What anybody can read of a process: its arguments and its environment, and those of its children."""
    out = b""
    for pid in [process.pid, *children(process.pid)]:
        out += Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()
    return out


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


def reaped(pid: int) -> bool:
    return os.waitpid(pid, os.WNOHANG)[0] == pid


def none_of(secrets: tuple[str, ...], content: bytes, where: str) -> None:
    for secret in secrets:
        assert secret.encode() not in content, f"a secret is in {where}"


@pytest.mark.usefixtures("no_keyring")
@pytest.mark.parametrize("venue", VENUES)
async def test_from_the_first_confirmation_to_a_protected_position(tmp_path: Path, venue: str) -> None:
    account = Account(venue)
    home = Home(tmp_path / "home").create()
    async with rig(tmp_path / "exchange", SIMULATE) as one:
        with pytest.raises(BadInput, match=f"trefoil keys set {venue}"):
            go(home, one, account=account)
        credentials = keep_keys(home, one, account=account)
        with pytest.raises(BadInput, match=f"type {venue.upper()} LIVE exactly"):
            go(home, one, answer="yes\n", account=account)
        assert not folder_of(home, account).exists()
        configure(home, account)
        asked: list[str] = []
        folder = go(home, one, asked, account=account)
        engine = engine_of(folder)
        try:
            assert len(asked) == 1
            assert f"REAL MONEY on {venue}" in asked[0]
            one.home = Home(folder)
            async with one.client() as client:
                await until(lambda: client.connected and client.desk.status.ready, Home(folder).engine_log.read_text())
                status = client.desk.status
                assert (status.mode, status.venue, status.autonomy) == ("live", venue, "approve")
                await trade(client)
                state = await one.state()
                assert [p["symbol"] for p in state["positions"]] == [SYMBOL]
                assert state["open_orders"] == 2
                await until(lambda: client.desk.positions[SYMBOL].stop_confirmed > 0, "no confirmed stop")
                assert go(home, one, asked, account=account) == folder  # attaches: nothing is asked, nothing is started
                assert len(asked) == 1
                assert engine_of(folder) == engine
                assert (await client.ask(SetAutonomy(autonomy=Autonomy.AUTO))).ok
                secrets = tuple(s for s in (*revealed(credentials), PASSPHRASE.reveal()) if s)
                none_of(secrets, shown(engine), "its process's arguments or environment")
            os.kill(engine.pid, signal.SIGKILL)
            await until(lambda: reaped(engine.pid), "it survived SIGKILL")
            engine = await after_the_crash(home, one, asked, account)
            for name, content in written(tmp_path / "home").items():
                none_of(secrets, content, name)
        finally:
            stop(engine)


async def trade(client: EngineClient) -> None:
    """A person's order, with the default stop."""
    await until(lambda: bool(client.desk.boards.get(SYMBOL) and client.desk.boards[SYMBOL].stop_ticks), "no board")
    order = PlaceOrder(symbol=SYMBOL, side=Side.BUY, kind=OrderKind.MARKET, quantity=Decimal("0.010"))
    answer = await client.ask(order)
    assert answer.ok, answer.text
    await until(lambda: SYMBOL in client.desk.positions, "no position")


def revealed(credentials: Credentials) -> tuple[str, ...]:
    return credentials.api_key.reveal(), credentials.secret.reveal(), credentials.passphrase.reveal()


async def after_the_crash(home: Home, one: Rig, asked: list[str], account: Account) -> Process:
    """The next start asks nothing again and knows what the journal knows."""
    folder = go(home, one, asked, account=account)
    assert len(asked) == 1
    engine = engine_of(folder)
    async with one.client() as client:
        await until(lambda: client.connected and client.desk.status.ready, Home(folder).engine_log.read_text())
        assert client.desk.status.autonomy == "auto"
        assert SYMBOL in client.desk.positions
        answer = await client.stop_engine()
        assert answer.ok
    await until(lambda: not lives(engine), "the engine did not stop")
    return engine


@pytest.mark.usefixtures("no_keyring")
@pytest.mark.parametrize("venue", VENUES)
async def test_the_key_is_asked_about(tmp_path: Path, venue: str) -> None:
    home, account = Home(tmp_path / "home").create(), Account(venue)
    async with rig(tmp_path / "exchange", SIMULATE) as one:
        credentials = keep_keys(home, one, account=account)
        environment = os.environ | {"TREFOIL_HOME": str(home.root), "TREFOIL_VAULT_PASSPHRASE": PASSPHRASE.reveal()}
        check = [
            sys.executable,
            "-m",
            "station.cli",
            "keys",
            "check",
            venue,
            "--endpoint",
            one.addresses.rest,
            "--json",
        ]
        asked = await asyncio.create_subprocess_exec(
            *check, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await asked.communicate()
        assert asked.returncode == 0, err.decode()
        told = json.loads(out)
        assert (told["read"], told["trade"], told["withdraw"], told["ip_bound"]) == (True, True, False, True)
        assert told["warnings"] == []
        none_of(tuple(s for s in revealed(credentials) if s), out + err, "the answer")


@pytest.mark.parametrize(
    ("given", "allow", "says", "warned"),
    [
        ((True, True, False, True), False, "", []),
        ((True, True, False, False), False, "", ["works from every address"]),
        ((True, True, True, True), False, "it may withdraw money", []),
        ((True, True, True, True), True, "", ["may withdraw money"]),
        ((True, False, False, True), False, "it may not trade futures", []),
        ((False, True, False, True), False, "it may not read the account", []),
    ],
)
def test_a_key_that_may_too_much_or_too_little_is_refused(
    given: tuple[bool, bool, bool, bool], *, allow: bool, says: str, warned: list[str]
) -> None:
    permissions = Permissions(*given)
    assert refusal(permissions, allow_withdrawals=allow).startswith(says)
    assert bool(refusal(permissions, allow_withdrawals=allow)) is bool(says)
    if not says:
        found = warnings(permissions)
        assert len(found) == len(warned)
        assert all(part in text for part, text in zip(warned, found, strict=True))


@pytest.mark.usefixtures("no_keyring")
async def test_one_account_has_one_engine_and_the_loser_says_so(tmp_path: Path) -> None:
    home, other = Home(tmp_path / "home").create(), Home(tmp_path / "other").create()
    async with rig(tmp_path / "exchange", SIMULATE) as one:
        for place in (home, other):
            keep_keys(place, one)
            configure(place)
        folder = go(home, one)
        engine = engine_of(folder)
        try:
            one.home = Home(folder)
            async with one.client() as client:
                await until(lambda: client.connected and client.desk.status.ready, Home(folder).engine_log.read_text())
                second = go(other, one)
                rival = engine_of(second)
                await until(lambda: not lives(rival), "two engines trade one account")
                log = Home(second).engine_log.read_text().splitlines()
                assert log[-1].startswith("engine: Another engine on this machine trades this binance account")
                await usurp(folder)
                await until(lambda: "taken the account over" in client.desk.status.read_only, "it does not say so")
                order = PlaceOrder(symbol=SYMBOL, side=Side.BUY, kind=OrderKind.MARKET, quantity=Decimal("0.010"))
                answer = await client.ask(order)
                assert not answer.ok
                assert "read-only" in answer.text
                assert (await one.state())["orders"] == 0
        finally:
            stop(engine)


async def usurp(folder: Path) -> None:
    """What an engine on another machine does to the lease when it takes over."""
    database = Database(Home(folder).database_url)
    rival = Lease(database, "the other engine", ttl_ms=600)
    await rival.take(alone=True)
    await database.close()


@pytest.mark.usefixtures("no_keyring")
async def test_a_wrong_secret_ends_in_one_sentence_without_it(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").create()
    async with rig(tmp_path / "exchange", SIMULATE) as one:
        wrong = "canary0wrong1secret2that3signs4nothing"
        keep_keys(home, one, wrong)
        configure(home)
        folder = go(home, one)
        engine = engine_of(folder)
        await until(lambda: not lives(engine), "the engine lives on")
        log = Home(folder).engine_log.read_text()
        assert "engine: " in log.splitlines()[-1]
        assert "-1022" in log or "-2015" in log or "ignature" in log
        assert "Traceback" not in log
        for name, content in written(tmp_path / "home").items():
            none_of((wrong, one.addresses.keys["apiKey"]), content, name)


@pytest.mark.usefixtures("no_keyring")
def test_without_keys_the_command_line_says_so_and_starts_nothing(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TREFOIL_")} | {
        "TREFOIL_HOME": str(tmp_path)
    }
    for arguments, says in (
        (["--live", "binance"], "trefoil: keys: binance - there are none; set them with: trefoil keys set binance"),
        (["--live", "okx", "--testnet"], "trefoil keys set okx --testnet"),
        (["--live", "kraken"], "use one of binance, okx, bybit"),
        (["--testnet"], "say which venue: --live binance --testnet"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "station.cli", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 1
        assert says in done.stderr
        assert done.stderr.count("\n") == 1
    assert not (tmp_path / "live").exists()


def test_a_child_is_told_by_its_stdin_and_inherits_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TREFOIL_BINANCE_SECRET", "canary-in-the-environment")
    monkeypatch.setenv("TREFOIL_VAULT_PASSPHRASE", "canary-in-the-environment")
    script = tmp_path / "said.py"
    script.write_text("import os, sys\nprint(sys.stdin.readline().strip(), sorted(os.environ), os.environ.values())\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    told = to_text(Credentials(Secret("k"), Secret("s")))
    child = spawn(["said"], tmp_path / "log", tmp_path / "out", tell=told + "\n")
    os.waitpid(child.pid, 0)
    said = (tmp_path / "out").read_text()
    assert said.startswith(told)
    assert "canary" not in said
    assert process_birth(child.pid) is None


def test_a_live_engine_without_keys_refuses_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    assert Options(home="/x", mode="live").market == "binance"
    child = spawn(["headless.daemon", json.dumps({"home": str(tmp_path), "mode": "live"})], tmp_path / "log")
    os.waitpid(child.pid, 0)
    assert (tmp_path / "log").read_text().splitlines()[-1] == (
        "engine: keys: binance - there are none; set them with: trefoil keys set binance"
    )
