"""`trefoil keys`: the exchange keys of this user, set by hidden prompts and never shown again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.errors import BadInput

if TYPE_CHECKING:
    from storage.home import Home
    from storage.keys.credentials import Account, Credentials
    from storage.keys.os_keyring import OsKeyring
    from storage.keys.secret import Secret
    from storage.keys.store import KeyStore
    from storage.keys.vault import Vault

app = typer.Typer(
    name="keys",
    help="Exchange keys: kept in the OS keyring, or in an encrypted vault file.",
    no_args_is_help=True,
)

Venue = Annotated[str, typer.Argument(help="binance, okx or bybit.")]
Whose = Annotated[str, typer.Argument(help="binance, okx, bybit; or openai, anthropic, ollama: a model's key.")]
Testnet = Annotated[bool, typer.Option("--testnet", help="The keys of the venue's demo or test network.")]
InVault = Annotated[bool, typer.Option("--vault", help="Keep them in the encrypted vault file, not in the OS keyring.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
Withdraw = Annotated[
    bool, typer.Option("--allow-withdrawals", help="Accept a key that may withdraw: whoever steals it takes the money.")
]
Report = Annotated[bool, typer.Option("--report", hidden=True, help="With --json: say why a key is refused, exit 0.")]
Endpoint = Annotated[str, typer.Option("--endpoint", hidden=True, help="Address of a simulated exchange.")]


@app.command("set")
def set_(venue: Whose, *, testnet: Testnet = False, vault: InVault = False) -> None:
    """Ask for the key of an account or of an AI model and keep it. Nothing of it is shown."""
    from storage.keys.manage import keep, parts_of

    name = _name(venue, testnet=testnet)
    place = _place(vault=vault)
    keep(place, name, [_hidden(f"{name} {part}") for part in parts_of(name)])
    if _is_model(venue):
        typer.echo(f"The key of {venue} is kept in: {place.name}. Ask the models with: trefoil vote SYMBOL")
    else:
        typer.echo(f"The keys of {name} are kept in: {place.name}. Check them with: trefoil keys check {venue}")


@app.command("list")
def list_(*, json: Json = False) -> None:
    """Say which accounts have keys, and where; of the keys themselves only the last characters."""
    from storage.keys.manage import kept

    rows = kept(_stores(), {})
    text = "\n".join(f"{row.name:16} {row.masked:10} {row.place}" for row in rows)
    values = [{"account": row.name, "place": row.place, "key": row.masked} for row in rows]
    _say({"keys": values}, text or "There are no keys. Set some with: trefoil keys set binance", json=json)


@app.command()
def remove(venue: Whose, *, testnet: Testnet = False) -> None:
    """Forget the keys of an account or model, wherever they are kept. Whoever gave them still knows them: delete them there."""
    from storage.keys.manage import forget

    name = _name(venue, testnet=testnet)
    gone = ", ".join(forget(_stores(), name))
    if _is_model(venue):
        typer.echo(f"The key of {venue} is gone from: {gone}. Delete it with its provider as well.")
    else:
        typer.echo(f"The keys of {name} are gone from: {gone}. Delete them on the exchange as well.")


@app.command()
def check(
    venue: Venue,
    *,
    testnet: Testnet = False,
    allow_withdrawals: Withdraw = False,
    endpoint: Endpoint = "",
    report: Report = False,
    json: Json = False,
) -> None:
    """Ask the exchange what the key may do. A key that can withdraw is refused."""
    import asyncio

    from headless.accounts import ask_permissions, refusal, warnings
    from storage.keys.credentials import Account

    account = Account(venue, testnet)
    found = _needed(account)
    permissions = asyncio.run(ask_permissions(account, found, endpoint))
    wrong = refusal(permissions, allow_withdrawals=allow_withdrawals)
    if wrong and not (report and json):
        raise BadInput("key", account.name, wrong)
    warned = warnings(permissions)
    words = [name for name in ("read", "trade", "withdraw") if getattr(permissions, name)]
    text = "\n".join(
        [f"The key of {account.name} works; it may: {', '.join(words)}.", *(f"warning: {w}" for w in warned)]
    )
    values = {name: getattr(permissions, name) for name in ("read", "trade", "withdraw", "ip_bound")}
    refused = {"refused": wrong} if report else {}
    _say({"account": account.name, **values, **refused, "warnings": warned}, text, json=json)


def ask_passphrase() -> Secret:
    """The vault's passphrase from a person."""
    from storage.keys.secret import Secret

    return Secret(_hidden("Vault passphrase"))


def ask_line(text: str) -> str:
    """What a person types, seen, or the next line of a pipe."""
    import sys

    if not sys.stdin.isatty():
        typer.echo(text)
        return sys.stdin.readline()
    typed: str = typer.prompt(text, default="", show_default=False)
    return typed


def _is_model(venue: str) -> bool:
    from storage.keys.model_keys import PROVIDERS

    return venue in PROVIDERS


def _name(venue: str, *, testnet: bool) -> str:
    """Whose keys: an account's name, or a provider's."""
    from storage.keys.credentials import Account

    return venue if _is_model(venue) else Account(venue, testnet).name


def _home() -> Home:
    from storage.home import Home

    return Home.locate().create()


def _stores() -> list[KeyStore]:
    from storage.keys.find import stores

    return stores(_home(), ask_passphrase)


def _needed(account: Account) -> Credentials:
    from storage.keys.find import needed

    return needed(_home(), account, ask_passphrase).credentials


def _place(*, vault: bool) -> OsKeyring | Vault:
    """Where new keys go: the OS keyring, or the vault if it was asked for; never one in place of the other."""
    from storage.keys.find import given_passphrase, vault_file
    from storage.keys.os_keyring import OsKeyring
    from storage.keys.vault import Vault

    if not vault:
        return OsKeyring()
    file = vault_file(_home())
    passphrase = given_passphrase()
    if passphrase is None:
        passphrase = ask_passphrase()
        if not file.exists() and passphrase != _again():
            raise BadInput("vault passphrase", "(hidden)", "the two differ; nothing was kept")
    return Vault(file, passphrase)


def _again() -> Secret:
    from storage.keys.secret import Secret

    return Secret(_hidden("The same once more"))


def _hidden(prompt: str) -> str:
    """What a person types unseen, or the next line of a pipe."""
    import sys

    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    text: str = typer.prompt(prompt, hide_input=True, default="", show_default=False)
    return text.strip()


def _say(values: dict[str, Any], text: str, *, json: bool) -> None:
    import msgspec

    typer.echo(msgspec.json.encode(values).decode() if json else text)
