"""The votes on candidates, and what became of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables of votes and of their scores."""
    for name in ("votes", "scores"):
        extra = [sa.Column("prompt_hash", sa.Text(), nullable=False)] if name == "votes" else []
        op.create_table(
            f"trading_{name}",
            sa.Column("signal_id", _INT, primary_key=True, autoincrement=False),
            sa.Column("voter", sa.Text(), primary_key=True),
            sa.Column("id", _INT, nullable=False),
            sa.Column("symbol", sa.Text(), nullable=False),
            sa.Column("at", _INT, nullable=False),
            *extra,
            sa.Column("body", sa.Text(), nullable=False),
        )
        op.create_index(f"trading_{name}_at", f"trading_{name}", ["at", "id"])
        op.create_index(f"trading_{name}_symbol", f"trading_{name}", ["symbol", "at", "id"])
