"""Request parameters, read as Binance reads them: what is missing or malformed is refused with its code."""

from __future__ import annotations

from engine.errors import VenueRejected


class Parameters:
    """The parameters of one request.

    Args:
        values: names and texts from query and body.
    """

    def __init__(self, values: dict[str, str]) -> None:
        self.values = values

    def text(self, name: str) -> str:
        """A mandatory text; -1102 when it is missing."""
        value = self.values.get(name, "")
        if not value:
            raise VenueRejected(f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.", "-1102")
        return value

    def maybe(self, name: str) -> str:
        """An optional text; empty when it is missing."""
        return self.values.get(name, "")

    def whole(self, name: str) -> int | None:
        """An optional whole number; -1100 when it is none."""
        value = self.values.get(name, "")
        if not value:
            return None
        if not value.isdigit() or len(value) > 18:
            raise VenueRejected(
                f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,18}}$'.", "-1100"
            )
        return int(value)

    def needed(self, name: str) -> int:
        """A mandatory whole number."""
        self.text(name)
        return self.whole(name) or 0

    def flag(self, name: str) -> bool:
        """An optional truth value, false when it is missing."""
        value = self.values.get(name, "false").lower()
        if value not in {"true", "false"}:
            raise VenueRejected(
                f"Illegal characters found in parameter '{name}'; legal range is true or false.", "-1100"
            )
        return value == "true"

    def limit(self, default: int, highest: int) -> int:
        """Rows asked for, at most `highest`; -1130 when it is 0."""
        value = self.whole("limit")
        if value == 0:
            raise VenueRejected("Data sent for parameter 'limit' is not valid.", "-1130")
        return min(highest, default if value is None else value)
