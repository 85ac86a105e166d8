"""A real account is not traded with a key that may withdraw, unless somebody insists."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from engine.errors import BadInput
from engine.simulator.rights import Rights
from headless.accounts import check_key
from tests.engine.venues.simulated_bench import BinanceBench


@pytest.fixture
async def bench() -> AsyncIterator[BinanceBench]:
    """A venue on an exchange of its own."""
    async with BinanceBench.running() as made:
        yield made


@pytest.mark.parametrize(
    ("rights", "allow", "said"),
    [
        (Rights(), False, []),
        (Rights(addresses=()), False, ["works from every address"]),
        (Rights(withdraw=True), True, ["may withdraw money"]),
    ],
    ids=["as advised", "from everywhere", "insisted"],
)
async def test_a_key_that_is_used_is_spoken_of(
    bench: BinanceBench, rights: Rights, *, allow: bool, said: list[str]
) -> None:
    bench.grant(rights)
    found = await check_key(bench.venue, allow_withdrawals=allow)
    assert len(found) == len(said)
    assert all(part in sentence for part, sentence in zip(said, found, strict=True))


@pytest.mark.parametrize(
    ("rights", "allow", "why"),
    [
        (Rights(withdraw=True), False, "it may withdraw money"),
        (Rights(trade=False), True, "it may not trade futures"),
    ],
    ids=["may withdraw", "reads only"],
)
async def test_a_key_that_is_not_to_be_used_stops_the_start(
    bench: BinanceBench, rights: Rights, *, allow: bool, why: str
) -> None:
    bench.grant(rights)
    with pytest.raises(BadInput, match=why):
        await check_key(bench.venue, allow_withdrawals=allow)
