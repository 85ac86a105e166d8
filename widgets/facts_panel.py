"""Settings in force: name, value, and where each is set."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model.own import Fact
from widgets.line import Line, sentences, wrap_words
from widgets.scroll_panel import ScrollPanel

NAME = 18


class FactsPanel(ScrollPanel):
    """The list; it scrolls."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._facts: Sequence[Fact] = ()
        self._said = ""

    def show(self, facts: Sequence[Fact], said: str = "") -> None:
        """Show these; `said` is why some did not come."""
        if (facts, said) != (self._facts, self._said):
            self._facts, self._said = facts, said
            self.update()

    def lay_out(self, width: int, height: int) -> list[Line]:
        """A line a setting; where it is set stands below in a narrow panel, else beside."""
        self.retitle(("In force ", "text"), (f"{len(self._facts)} settings", "dim"))
        lines: list[Line] = []
        for fact in self._facts:
            value = wrap_words(fact.value, max(8, width - NAME)) or [""]
            first = Line(((fact.name.ljust(NAME), "dim"), (value[0], "strong")))
            room = width - NAME - len(fact.value) - 3
            if fact.where and len(fact.where) <= room:
                first = Line((*first.pieces, (f"   {fact.where}", "dim")))
            lines.append(first)
            lines += [Line(((" " * NAME, "text"), (part, "strong"))) for part in value[1:]]
            if fact.where and len(fact.where) > room:
                lines += [Line(((" " * NAME, "text"), *line.pieces)) for line in sentences(fact.where, width - NAME)]
        lines += sentences(self._said, width, "warn") if self._said else []
        return self.window(lines, height)
