"""Accounts at real venues: where a venue is reached, and what its key may do.

Importing this is light; ccxt is loaded when a venue is made.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from engine.errors import BadInput
from engine.runtime import SystemClock
from storage.keys.credentials import Account, Credentials

if TYPE_CHECKING:
    from engine.ports import Clock, Probe
    from engine.venues.account_api import Permissions
    from engine.venues.ccxt_client import Access
    from engine.venues.ccxt_venue import CcxtVenue


def hosts(account: Account, endpoint: str = "") -> tuple[str, str]:
    """Addresses of requests and streams; empty for the venue's own.

    Args:
        account: whose.
        endpoint: of a simulated exchange on this machine; keys are not sent to any other address.
    """
    if endpoint:
        parts = urlsplit(endpoint)
        if parts.scheme != "http" or not _loopback(parts.hostname or ""):
            raise BadInput("endpoint", endpoint, "use http://127.0.0.1:PORT of a simulated exchange")
        return endpoint, f"ws://{parts.netloc}"
    return "", ""


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def access_of(account: Account, credentials: Credentials, endpoint: str = "") -> Access:
    """How to reach and sign in; this is where a secret leaves its wrapping."""
    from engine.venues.ccxt_client import Access

    rest, ws = hosts(account, endpoint)
    return Access(
        rest,
        ws,
        credentials.api_key.reveal(),
        credentials.secret.reveal(),
        exchange=account.venue,
        passphrase=credentials.passphrase.reveal(),
        network="testnet" if account.testnet and not endpoint else "live",
    )


def make_venue(access: Access, clock: Clock, probe: Probe, *, simulated: bool, heartbeat_ms: int = 10_000) -> CcxtVenue:
    """The venue of an account.

    Args:
        access: see `access_of`.
        clock: received times.
        probe: told of the crash points.
        simulated: its clock is simulated while its signatures are judged by wall time, so no offset is measured.
        heartbeat_ms: its stream is pinged so often.
    """
    from engine.venues.ccxt_venue import CcxtVenue

    return CcxtVenue(access, clock, probe=probe, measure_clock=not simulated, heartbeat_ms=heartbeat_ms)


async def ask_permissions(account: Account, credentials: Credentials, endpoint: str = "") -> Permissions:
    """Ask the venue what the key may do; raises VenueError with the venue's own words where it refuses the key."""
    from engine.probe import no_probe

    access = access_of(account, credentials, endpoint)
    venue = make_venue(access, SystemClock(), no_probe, simulated=bool(endpoint))
    try:
        return await venue.permissions()
    finally:
        await venue.close()


def refusal(permissions: Permissions, *, allow_withdrawals: bool) -> str:
    """Why a key is not to be used, or empty."""
    if permissions.withdraw and not allow_withdrawals:
        return "it may withdraw money; make one that only reads and trades (or insist with --allow-withdrawals)"
    if not permissions.read:
        return "it may not read the account; allow reading on the exchange's API page"
    if not permissions.trade:
        return "it may not trade futures; allow futures trading on the exchange's API page"
    return ""


async def check_key(venue: CcxtVenue, *, allow_withdrawals: bool) -> list[str]:
    """What is to be said of the key a real account is traded with; raises BadInput for one that is not to be used.

    Raises VenueError when the venue does not answer.
    """
    permissions = await venue.permissions()
    wrong = refusal(permissions, allow_withdrawals=allow_withdrawals)
    if wrong:
        raise BadInput("key", venue.name, wrong)
    return warnings(permissions)


def warnings(permissions: Permissions) -> list[str]:
    """What a person should know of a key that is used."""
    found = []
    if permissions.withdraw:
        found.append("this key may withdraw money; whoever steals it takes all of it")
    if not permissions.ip_bound:
        found.append("this key works from every address; bind it to yours on the exchange's API page")
    return found
