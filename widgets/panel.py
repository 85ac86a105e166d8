"""What every panel shares: lines of pieces painted through Textual's Line API, only the changed ones again."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.events import Resize
from textual.geometry import Region
from textual.strip import Strip
from textual.style import Style as VisualStyle
from textual.widget import Widget

from widgets.line import EMPTY, Line, Piece
from widgets.tones import COMPONENTS, TONES, tone_css

BOLD = Style(bold=True)


class Panel(Widget):
    """A bordered widget that shows lines.

    A subclass keeps what it was last shown, and answers `lay_out(width, height)` with its lines. `update` compares
    them with what is painted and asks Textual to repaint only the lines that differ. The widget is as large as its
    parent gives it.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = set(COMPONENTS)
    DEFAULT_CSS = """
    Panel {
        border: round $foreground 25%;
        border-title-color: $foreground;
        border-subtitle-color: $foreground 60%;
        background: $background;
        color: $foreground;
        width: 1fr;
        height: 1fr;
    }
    Panel:focus { border: round $accent; }
    """ + tone_css("Panel")
    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._lines: list[Line] = []
        self._title: tuple[Piece, ...] = ()
        self._subtitle = ""
        self._tone_cache: dict[str, Style] = {}

    def lay_out(self, width: int, height: int) -> list[Line]:
        """The lines to show in `width` x `height` cells, top first."""
        return [EMPTY for _ in range(height)]

    def update(self) -> None:
        """Lay out again and repaint the lines that differ."""
        width, height = self.content_size
        if width <= 0 or height <= 0:
            return
        lines = self.lay_out(width, height)[:height]
        lines.extend([EMPTY] * (height - len(lines)))
        before = self._lines
        self._lines = lines
        if len(before) != height:
            self.refresh()
            return
        changed = [Region(0, y, width, 1) for y in range(height) if lines[y] != before[y]]
        if len(changed) == height:
            self.refresh()
        elif changed:
            self.refresh(*changed)

    def retitle(self, *pieces: Piece) -> None:
        """Set the border title; only the top border line is painted again, and only if the title differs."""
        if pieces == self._title:
            return
        self._title = pieces
        # Setting `border_title` would parse markup and repaint the whole widget for a price that changed in the title.
        self._border_title = Content.assemble(
            *(
                (text, VisualStyle.from_rich_style(self.tone(tone))) if tone != "text" and self.is_mounted else text
                for text, tone in pieces
            )
        )
        self.refresh(Region(0, -self.gutter.top, self.content_size.width, 1))

    @property
    def title_text(self) -> str:
        """The border title's characters."""
        return "".join(text for text, _ in self._title)

    def subtitle(self, text: str) -> None:
        """Set the bottom border's text if it differs."""
        if text != self._subtitle:
            self._subtitle = text
            self._border_subtitle = Content(text)
            self.refresh(Region(0, self.content_size.height, self.content_size.width, 1))

    def tone(self, name: str, under: str = "") -> Style:
        """The Rich style of a tone in the theme in force.

        Args:
            name: one tone, or a tone and ``bold``.
            under: a tone whose background lies under it, unless the tone has a background of its own.
        """
        key = f"{name}|{under}"
        style = self._tone_cache.get(key)
        if style is None:
            first, _, bold = (name or "text").partition(" ")
            style = self.get_component_rich_style(f"tone--{first}")
            if bold:
                style += BOLD
            if under and "background" not in TONES[first]:
                style += Style(bgcolor=self.get_component_rich_style(f"tone--{under}").bgcolor)
            self._tone_cache[key] = style
        return style

    def render_line(self, y: int) -> Strip:
        """One content line."""
        line = self._lines[y] if y < len(self._lines) else EMPTY
        tone, under = self.tone, line.under
        strip = Strip([Segment(text, tone(name, under)) for text, name in line.pieces if text])
        return strip.crop_extend(0, self.content_size.width, tone("text", under))

    def notify_style_update(self) -> None:
        """Forget the colours of the theme before; the new ones are known once the component styles have followed."""
        self._tone_cache.clear()
        super().notify_style_update()
        if self.is_mounted:
            self.call_later(self._recolour)

    def on_mount(self) -> None:
        """The theme is known from now on."""
        self._recolour()

    def _recolour(self) -> None:
        """Paint everything in the colours of the theme in force."""
        self._tone_cache.clear()
        pieces, self._title = self._title, ()
        if pieces:
            self.retitle(*pieces)
        self.refresh()

    def on_resize(self, _event: Resize) -> None:
        """Lay out for the new size."""
        self._lines = []
        self.update()
