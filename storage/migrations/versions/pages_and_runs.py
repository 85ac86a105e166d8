"""Indices for reading history by the page; research runs that can be listed without reading whole results."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TIMES = {"orders": "created", "fills": "at", "positions": "opened", "signals": "at", "commands": "at", "notes": "at"}


def upgrade() -> None:
    """Add what the history tables are read by, and a run's name, symbol, timeframe, summary and payload."""
    op.add_column("trading_fills", sa.Column("outside", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("trading_commands", sa.Column("symbol", sa.Text(), nullable=False, server_default=""))
    op.add_column(
        "trading_equity",
        sa.Column(
            "market_time", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False, server_default="0"
        ),
    )
    for name in ("orders", "fills", "signals", "commands"):
        op.drop_index(f"trading_{name}_id", table_name=f"trading_{name}")
    for name, time in _TIMES.items():
        op.create_index(f"trading_{name}_{time}", f"trading_{name}", [time, "id"])
        op.create_index(f"trading_{name}_symbol", f"trading_{name}", ["symbol", time, "id"])
    op.drop_index("research_runs_created", table_name="research_runs")
    with op.batch_alter_table("research_runs") as runs:
        for name, default in (("name", ""), ("symbol", ""), ("timeframe", ""), ("summary", "{}")):
            runs.add_column(sa.Column(name, sa.Text(), nullable=False, server_default=default))
        runs.add_column(sa.Column("payload", sa.LargeBinary(), nullable=False, server_default=sa.text("''")))
        runs.drop_column("result")
    with op.batch_alter_table("research_runs") as runs:
        runs.alter_column("payload", server_default=None)
    op.create_index("research_runs_created", "research_runs", ["created", "id"])
    op.create_index("research_runs_kind", "research_runs", ["kind", "created", "id"])
