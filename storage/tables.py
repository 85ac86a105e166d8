"""The tables.

Two groups, told apart by the prefix of their names on every database: `trading_` belongs to the one engine that holds
the lock, `research_` has many writers. Times are ms UTC; prices are ticks and quantities lots, beside the tick and lot
size of their day; money is 1e-8 quote units.

`id` of a projection's row is its place in the journal: entry sequence times `PLACES` plus the place of the decision
within the entry. It orders rows for reading and makes a rebuilt projection equal the live one.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    false,
)

PLACES = 100_000

# SQLite stores a row under its INTEGER key itself; BIGINT would cost a second tree.
_INT = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData()


def _pages(table: str, time: str) -> tuple[Index, Index]:
    """What `storage.history` walks: newest first, of all symbols and of one."""
    return Index(f"{table}_{time}", time, "id"), Index(f"{table}_symbol", "symbol", time, "id")


journal = Table(
    "trading_journal",
    metadata,
    Column("seq", _INT, primary_key=True, autoincrement=False),
    Column("at", _INT, nullable=False),
    Column("kind", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("crc", _INT, nullable=False),
)

torn = Table(
    "trading_journal_torn",
    metadata,
    Column("id", _INT, primary_key=True, autoincrement=True),
    Column("seq", _INT, nullable=False),
    Column("at", _INT, nullable=False),
    Column("kind", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("crc", _INT, nullable=False),
)

snapshots = Table(
    "trading_snapshots",
    metadata,
    Column("seq", _INT, primary_key=True, autoincrement=False),
    Column("state", LargeBinary, nullable=False),
    Column("crc", _INT, nullable=False),
)

meta = Table(
    "trading_meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

instruments = Table(
    "trading_instruments",
    metadata,
    Column("symbol", Text, primary_key=True),
    Column("tick_size", Text, nullable=False),
    Column("lot_size", Text, nullable=False),
    Column("unit", _INT, nullable=False),
)

orders = Table(
    "trading_orders",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("id", _INT, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("side", _INT, nullable=False),
    Column("kind", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("lots", _INT, nullable=False),
    Column("price", _INT),
    Column("trigger_price", _INT),
    Column("reduce_only", Boolean, nullable=False),
    Column("leverage", _INT, nullable=False),
    Column("origin", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("venue_id", Text, nullable=False),
    Column("filled", _INT, nullable=False),
    Column("value", _INT, nullable=False),
    Column("fees", _INT, nullable=False),
    Column("created", _INT, nullable=False),
    Column("updated", _INT, nullable=False),
    Column("reason", Text, nullable=False),
    Column("tick_size", Text, nullable=False),
    Column("lot_size", Text, nullable=False),
    *_pages("trading_orders", "created"),
)

fills = Table(
    "trading_fills",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("trade_id", Text, primary_key=True),
    Column("id", _INT, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("side", _INT, nullable=False),
    Column("ticks", _INT, nullable=False),
    Column("lots", _INT, nullable=False),
    Column("fee", _INT, nullable=False),
    Column("maker", Boolean, nullable=False),
    Column("realised", _INT, nullable=False),
    Column("backfilled", Boolean, nullable=False),
    Column("outside", Boolean, nullable=False, server_default=false()),
    Column("at", _INT, nullable=False),
    Column("venue_time", _INT, nullable=False),
    Column("tick_size", Text, nullable=False),
    Column("lot_size", Text, nullable=False),
    *_pages("trading_fills", "at"),
)

positions = Table(
    "trading_positions",
    metadata,
    Column("id", _INT, primary_key=True, autoincrement=False),
    Column("symbol", Text, nullable=False),
    Column("lots", _INT, nullable=False),
    Column("cost", _INT, nullable=False),
    Column("opened", _INT, nullable=False),
    Column("closed", _INT),
    Column("origin", Text, nullable=False),
    Column("leverage", _INT, nullable=False),
    Column("realised", _INT, nullable=False),
    Column("fees", _INT, nullable=False),
    Column("funding", _INT, nullable=False),
    Column("side", _INT, nullable=False),
    Column("entry_lots", _INT, nullable=False),
    Column("entry_value", _INT, nullable=False),
    Column("exit_lots", _INT, nullable=False),
    Column("exit_value", _INT, nullable=False),
    Column("tick_size", Text, nullable=False),
    Column("lot_size", Text, nullable=False),
    Column("unit", _INT, nullable=False),
    Index("trading_positions_closed", "closed"),
    *_pages("trading_positions", "opened"),
)

signals = Table(
    "trading_signals",
    metadata,
    Column("signal_id", _INT, primary_key=True, autoincrement=False),
    Column("id", _INT, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("at", _INT, nullable=False),
    Column("bar_time", _INT, nullable=False),
    Column("score", Float, nullable=False),
    Column("price", _INT, nullable=False),
    Column("stop", _INT, nullable=False),
    Column("target", _INT, nullable=False),
    Column("lots", _INT, nullable=False),
    Column("gates", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("expires", _INT, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("tick_size", Text, nullable=False),
    Column("lot_size", Text, nullable=False),
    *_pages("trading_signals", "at"),
)

commands = Table(
    "trading_commands",
    metadata,
    Column("command_id", Text, primary_key=True),
    Column("id", _INT, nullable=False),
    Column("at", _INT, nullable=False),
    Column("source", Text, nullable=False),
    Column("symbol", Text, nullable=False, server_default=""),
    Column("body", Text, nullable=False),
    Column("ok", Boolean),
    Column("answer", Text, nullable=False),
    *_pages("trading_commands", "at"),
)

notes = Table(
    "trading_notes",
    metadata,
    Column("id", _INT, primary_key=True, autoincrement=False),
    Column("at", _INT, nullable=False),
    Column("level", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("text", Text, nullable=False),
    *_pages("trading_notes", "at"),
)

votes = Table(
    "trading_votes",
    metadata,
    Column("signal_id", _INT, primary_key=True, autoincrement=False),
    Column("voter", Text, primary_key=True),
    Column("id", _INT, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("at", _INT, nullable=False),
    Column("prompt_hash", Text, nullable=False),
    Column("body", Text, nullable=False),
    *_pages("trading_votes", "at"),
)

scores = Table(
    "trading_scores",
    metadata,
    Column("signal_id", _INT, primary_key=True, autoincrement=False),
    Column("voter", Text, primary_key=True),
    Column("id", _INT, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("at", _INT, nullable=False),
    Column("body", Text, nullable=False),
    *_pages("trading_scores", "at"),
)

equity = Table(
    "trading_equity",
    metadata,
    Column("at", _INT, primary_key=True, autoincrement=False),
    Column("market_time", _INT, nullable=False, server_default="0"),
    Column("equity", _INT, nullable=False),
    Column("cash", _INT, nullable=False),
)

research_runs = Table(
    "research_runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("created", _INT, nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    Column("symbol", Text, nullable=False, server_default=""),
    Column("timeframe", Text, nullable=False, server_default=""),
    Column("params", Text, nullable=False),
    Column("summary", Text, nullable=False, server_default="{}"),
    Column("payload", LargeBinary, nullable=False),
    Index("research_runs_created", "created", "id"),
    Index("research_runs_kind", "kind", "created", "id"),
)

# What `storage.rebuild` makes again from the journal.
PROJECTIONS = (instruments, orders, fills, positions, signals, commands, notes, votes, scores, equity)
