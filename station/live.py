"""How trading with real money is begun: keys, a typed confirmation, then an engine that is told its keys by a pipe."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import BadInput
from station.launch import Launch, check_config, running, start_engine

if TYPE_CHECKING:
    from storage.home import Home
    from storage.keys.credentials import Account, Credentials
    from storage.keys.secret import Secret

WORD = "LIVE"


def folder_of(home: Home, account: Account) -> Path:
    """The data directory of an account: each has a journal of its own."""
    return home.root / "live" / account.name


def phrase(account: Account) -> str:
    """What is to be typed: ``BINANCE LIVE``."""
    return f"{account.venue.upper()} {WORD}"


def prepare(
    home: Home,
    account: Account,
    endpoint: str,
    ask_passphrase: Callable[[], Secret],
    ask: Callable[[str], str],
    *,
    allow_withdrawals: bool = False,
) -> Launch:
    """Attach to the account's engine, or start one with the keys and the word of a person.

    Args:
        home: of this user.
        account: which account is traded.
        endpoint: a simulated exchange on this machine that stands for the venue; empty for the venue itself.
        ask_passphrase: asks a person for the vault's passphrase.
        ask: shows a text and answers what a person typed.
        allow_withdrawals: trade with a key that may move money out, too.

    Raises:
        BadInput: no keys, a wrong setting, or the confirmation was not typed; nothing was started then.
    """
    from headless.accounts import hosts
    from headless.session import lives, read_session
    from storage.home import Home as Homes
    from storage.keys.find import needed

    folder = folder_of(home, account)
    known = read_session(Homes(folder).run / "session.json")
    if known is not None and lives(known.engine):
        return running(known)
    check_config(Homes(folder))
    keys = needed(home, account, ask_passphrase)
    hosts(account, endpoint)
    _confirm(folder / "confirmed", account, keys.place, ask)
    own = Homes(folder).create()
    options = {
        "mode": "live",
        "venue": account.venue,
        "testnet": account.testnet,
        "endpoint": endpoint,
        "keys": "pipe",
        "allow_withdrawals": allow_withdrawals,
    }
    return Launch(folder, "live", lambda: _begin(own, options, keys.credentials))


def _begin(own: Home, options: dict[str, object], credentials: Credentials) -> None:
    """The engine hears its keys on its stdin."""
    from headless.session import Session, write_session
    from storage.keys.credentials import to_text

    engine = start_engine(own, options, tell=to_text(credentials) + "\n")
    write_session(own.run / "session.json", Session(folder=str(own.root), engine=engine, mode="live"))


def _confirm(mark: Path, account: Account, place: str, ask: Callable[[str], str]) -> None:
    """Real money is traded only after somebody typed so, once an account; a test network needs no word."""
    if account.testnet or mark.exists():
        return
    wanted = phrase(account)
    text = (
        f"This trades REAL MONEY on {account.venue} with the keys from: {place}. "
        f"It begins in autonomy approve: nothing is sent before you press the key.\nType {wanted} to go on"
    )
    typed = ask(text).strip()
    if typed != wanted:
        raise BadInput("confirmation", typed or "(nothing)", f"type {wanted} exactly; nothing was started")
    mark.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    mark.write_text(time.strftime("%Y-%m-%dT%H:%M:%SZ\n", time.gmtime()), encoding="ascii")
