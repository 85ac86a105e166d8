"""Whose keys are kept and where, one row each; and what is known of the chosen one. Never a secret."""

from __future__ import annotations

from textual.message import Message

from engine.model.own import EXCHANGE, KeyList, KeyRow, Rights
from widgets.columns import Column, header, kept, row
from widgets.cursor_panel import CursorPanel, Row
from widgets.line import Line, Piece, sentences
from widgets.panel import Panel

COLUMNS = (
    Column("key of", 15, 0, right=False),
    Column("state", 7, 0, right=False),
    Column("ends in", 7, 2, right=False),
    Column("kept in", 24, 1, right=False),
)
NEEDS = {
    "binance": "On Binance: API management, a key with Reading and Futures, never Withdrawals, bound to your address.",
    "okx": "On OKX: API, a v5 key with Read and Trade, never Withdraw, bound to your address; its passphrase is asked for.",
    "bybit": "On Bybit: API, a system-generated key with Contract orders and positions, never Withdrawal, bound to your address.",
    "openai": "A key of platform.openai.com.",
    "anthropic": "A key of console.anthropic.com.",
    "ollama": "A model on this machine needs none; a hosted one does.",
}


class KeysPanel(CursorPanel):
    """The list; keys act on the row under the cursor."""

    class Moved(Message):
        """Another row."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._keys_shown: KeyList | None = None
        self._said = ""

    def show(self, keys: KeyList | None, said: str = "") -> None:
        """Show these; `said` is why they did not come."""
        self._keys_shown, self._said = keys, said
        self.update()

    def moved(self, key: str) -> None:
        """Tell of it."""
        self.post_message(self.Moved())

    def chosen(self, key: str) -> None:
        """Enter or a click."""
        self.post_message(self.Moved())

    def lay_out(self, width: int, height: int) -> list[Line]:
        """A row an account or provider."""
        keys = self._keys_shown
        if keys is None:
            self.retitle(("Keys", "text"))
            return sentences(self._said or "Asking keyring and vault ...", width)
        count = sum(bool(one.place) for one in keys.rows)
        title: list[Piece] = [("Keys ", "text"), (f"{count} set", "strong")]
        if keys.locked:
            title.append(("  vault locked", "warn bold"))
        self.retitle(*title)
        self.subtitle(f"new ones go to {keys.goes_to}"[: max(10, width - 4)])
        chosen = kept(COLUMNS, width)
        rows: list[Row] = [(one.name, row(COLUMNS, chosen, _cells(one))) for one in keys.rows]
        return self.place(rows, height, [header(COLUMNS, chosen)])


def _cells(one: KeyRow) -> list[Piece]:
    state: Piece = ("set", "profit bold") if one.place else ("unknown", "warn") if one.note else ("not set", "dim")
    return [(one.name, "strong"), state, (one.masked, "dim"), (one.place or one.note, "text" if one.place else "dim")]


class RightsPanel(Panel, can_focus=True):
    """What the chosen key may do, after the exchange was asked."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._of: KeyRow | None = None
        self._rights: Rights | None = None
        self._said = ""

    def show(self, of: KeyRow | None, rights: Rights | None, said: str = "") -> None:
        """Show what is known of a key; `said` is the newest sentence about it."""
        self._of, self._rights, self._said = of, rights, said
        self.update()

    def lay_out(self, width: int, height: int) -> list[Line]:
        """Rights, then what such a key needs."""
        of, rights = self._of, self._rights
        if of is None:
            self.retitle(("Key", "text"))
            return []
        self.retitle((f"Key of {of.name}", "text"))
        lines = sentences(self._said, width, "accent") if self._said else []
        if rights is not None:
            lines += _verdict(rights, width)
            lines.append(Line())
        elif of.place and of.kind == EXCHANGE and not self._said:
            lines += sentences("Check asks the exchange what this key may do; nothing is ordered.", width)
        lines += sentences(NEEDS.get(of.name.removesuffix("-testnet"), ""), width)
        if of.name.endswith("-testnet"):
            lines += sentences(
                "This is the exchange's demo or test network: its keys are its own, its money is not real.", width
            )
        return lines


def _verdict(rights: Rights, width: int) -> list[Line]:
    rows = (
        ("read the account", rights.read, True),
        ("trade futures", rights.trade, True),
        ("withdraw money", rights.withdraw, False),
        ("bound to addresses", rights.ip_bound, True),
    )
    lines = [
        Line(
            (
                ("✓ " if has is wanted else "✗ ", "profit bold" if has is wanted else "loss bold"),
                (f"{name:<19}", "text"),
                ("yes" if has else "no", "strong" if has is wanted else "loss bold"),
            )
        )
        for name, has, wanted in rows
    ]
    if rights.refused:
        lines += sentences(f"REFUSED: {rights.refused}", width, "alarm")
    for text in rights.warnings:
        lines += sentences(f"! {text}", width, "warn")
    return lines
