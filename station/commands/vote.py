"""``trefoil vote``: the three models are asked once about a symbol, or kept questions are put to another model."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.errors import BadInput

if TYPE_CHECKING:
    from engine.ai.brief import Brief
    from engine.bars import Bars
    from engine.model.instrument import Instrument
    from engine.model.vote import Consensus, Vote
    from headless.config import Config
    from storage.home import Home

REPLAY = "replay"
HISTORY_BARS = 2_500
COST = 0.0006  # of one side, where no contract tells its fee: taker fee and slippage


def vote(
    symbol: Annotated[str, typer.Argument(help="A symbol (BTC/USDT:USDT), or replay: kept questions anew.")],
    *,
    data: Annotated[Path | None, typer.Option("--data", help="Ask about the last bar of this candle file.")] = None,
    timeframe: Annotated[str | None, typer.Option(help="Bars are put together to this length.")] = None,
    deadline: Annotated[float | None, typer.Option(min=0.1, help="Seconds for all answers.")] = None,
    last: Annotated[int, typer.Option(min=1, help="replay: so many of the newest questions.")] = 20,
    voter: Annotated[str | None, typer.Option(help="replay: only this voter's questions.")] = None,
    model: Annotated[str | None, typer.Option(help="replay: the model to ask instead.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Ask GPT, Claude and Llama once: LONG, SHORT or NEUTRAL, and what two of three agree on.

    Voters need OPENAI_API_KEY, ANTHROPIC_API_KEY and OLLAMA_HOST (or an address in the configuration); one that is not
    configured abstains.
    """
    from headless.config import read_config
    from storage.home import Home

    home = Home.locate().create()
    config = read_config(home.config)
    if symbol == REPLAY:
        from station.commands.vote_replay import replay

        replay(home, config, last=last, voter=voter, model=model, deadline=deadline, json=json)
        return
    brief = _of_file(symbol, data, timeframe) if data is not None else asyncio.run(_of_feed(symbol, timeframe, config))
    votes, found = asyncio.run(_ask(brief, config, home, deadline))
    _tell(symbol, votes, found, json=json)


def _of_file(symbol: str, data: Path, timeframe: str | None) -> Brief:
    from engine.backtest.inputs import from_file

    market = from_file(data, timeframe)
    return brief(symbol, market.timeframe_ms, market.bars)


async def _of_feed(symbol: str, timeframe: str | None, config: Config) -> Brief:
    """The newest closed bars of the public market."""
    from engine.core.state import cost_fraction
    from engine.feeds.ccxt_feed import CcxtFeed
    from engine.model.market import TIMEFRAMES
    from engine.runtime import SystemClock
    from engine.venues.ccxt_client import Access

    length = TIMEFRAMES.get(timeframe or config.trading.timeframe)
    if length is None:
        raise BadInput("timeframe", timeframe, f"use one of {', '.join(TIMEFRAMES)}")
    feed = CcxtFeed(Access(config.feed.rest, config.feed.ws), SystemClock(), base_ms=length)
    try:
        listed: dict[str, Instrument] = {one.symbol: one for one in await feed.instruments()}
        if symbol not in listed:
            raise BadInput("symbol", symbol, f"the exchange lists {', '.join(list(listed)[:4])} ...")
        until = await feed.server_time() // length * length
        bars = await feed.history(symbol, length, until - HISTORY_BARS * length, until)
    finally:
        await feed.close()
    return brief(symbol, length, bars, cost_fraction(listed[symbol]))


def brief(symbol: str, timeframe_ms: int, bars: Bars, cost: float = COST) -> Brief:
    """The question about the newest of `bars`, with the strategies' readings and records walked over all of them."""
    from engine.ai.facts import brief_of, reading_facts
    from engine.model.settings import Settings
    from engine.readings import MIN_BARS, seed
    from engine.strategies import board

    settings = Settings(timeframe_ms=timeframe_ms)
    if len(bars) < MIN_BARS:
        raise BadInput(f"{symbol} bars", len(bars), "too few for a question")
    seeded = seed(symbol, bars, settings, cost, 0)
    score = board.score(seeded.readings, board.weights(seeded.records[:-1], settings.weight_trades))
    zone = board.zone(score, settings.entry_score)
    facts = reading_facts((*seeded.readings, zone), seeded.records)
    return brief_of(
        symbol, timeframe_ms, bars, candidate=zone, score=score, readings=facts, cost_percent=2 * cost * 100
    )


async def _ask(asked: Brief, config: Config, home: Home, deadline: float | None) -> tuple[tuple[Vote, ...], Consensus]:
    from engine.ai.voter import Question
    from engine.core.consensus import consensus
    from engine.runtime import SystemClock
    from headless.asking import committee_of

    committee = committee_of(config.ensemble, home, SystemClock(), told=lambda text: typer.echo(text, err=True))
    seconds = deadline if deadline is not None else config.ensemble.seconds(asked.timeframe_ms)
    try:
        await committee.ready()
        votes = await committee.ask(Question(asked), seconds)
    finally:
        await committee.close()
    return votes, consensus(votes, await _weights(home))


async def _weights(home: Home) -> dict[str, float]:
    """How much each voter's confidence counts by its record in this data directory; nothing where there is none."""
    if not home.database.exists():
        return {}
    from engine.errors import JournalFailed
    from storage.database import Database
    from storage.standings import Standings

    database = Database(home.database_url)
    try:
        return {one.voter: one.weight for one in (await Standings(database).read()).standings}
    except JournalFailed as error:
        typer.echo(f"the voters count the same: {error}", err=True)
        return {}
    finally:
        await database.close()


def row(one: Vote) -> dict[str, Any]:
    """A vote as JSON tells it."""
    return {
        "voter": one.voter,
        "model": one.model,
        "status": one.status.value,
        "side": one.stance.value if one.stance is not None else None,
        "confidence": one.confidence,
        "reason": one.why or "; ".join(one.reasons),
        "latency_ms": one.latency_ms,
        "cost_usd": one.cost / 1e8 if one.cost is not None else None,
        "horizon_bars": one.horizon,
        "risk_notes": list(one.risks),
        "flags": list(one.flags),
        "tokens_in": one.tokens_in,
        "tokens_out": one.tokens_out,
        "prompt_hash": one.prompt_hash,
        "simulated": one.simulated,
    }


def _tell(symbol: str, votes: tuple[Vote, ...], found: Consensus, *, json: bool) -> None:
    if json:
        import msgspec

        answer = {
            "symbol": symbol,
            "direction": found.stance.value,
            "confidence": round(found.confidence, 2),
            "votes": [row(one) for one in votes],
            "agreeing": found.agreeing,
            "reason": found.reason,
        }
        typer.echo(msgspec.json.encode(answer).decode())
        return
    typer.echo(f"{symbol}: {found.stance.value} {found.confidence:.0f} ({found.reason})")
    for one in votes:
        for line in lines_of(one):
            typer.echo(line)


def lines_of(one: Vote) -> list[str]:
    """A vote for a person."""
    said = f"{one.stance.value} {one.confidence}" if one.stance is not None else f"ABSTAIN: {one.why}"
    label = " SIMULATED" if one.simulated else ""
    cost = f"{one.cost / 1e8:.4f} USD" if one.cost is not None else "cost unknown"
    head = f"  {one.voter:8}{said}   {one.model}{label}   {one.latency_ms:,} ms   {cost}"
    return [head, *(f"          {text}" for text in one.reasons), *(f"          ! {flag}" for flag in one.flags)]
