"""The one exception tree.

::

    TrefoilError                     a plain sentence a person can act on
    +-- BadInput                     a file, setting, command or message that is refused whole (field, value, remedy)
    +-- EngineRunning                another engine holds this data directory
    +-- JournalFailed                the journal could not keep what it was given; the engine turns read-only
    +-- InvariantBroken              the program contradicts itself; the engine stops with the journal whole
    +-- VenueError                   what a venue answered, or did not
        +-- VenueRejected            a definite no, with the venue's own code
        +-- VenueUnavailable         certainly not accepted: the request never reached the venue
        +-- VenueUnknown             the outcome is not known: query by id, never resend blindly
        +-- VenueRateLimited         429 or 418: wait `retry_after_ms`

Expected failures are values or events wherever they can be; an exception carries them only across a library's boundary.
"""

from __future__ import annotations


class TrefoilError(Exception):
    """Base of every error Trefoil raises on purpose; `str()` is one sentence for a person."""


class BadInput(TrefoilError):
    """Input refused whole.

    Args:
        field: what is wrong (a column, a key, an argument), with its place if it has one.
        value: the offending value as it was given.
        remedy: what to do.
    """

    def __init__(self, field: str, value: object, remedy: str) -> None:
        super().__init__(f"{field}: {value!s} - {remedy}")
        self.field = field
        self.value = value
        self.remedy = remedy


class EngineRunning(TrefoilError):
    """Another engine holds the data directory's lock."""


class JournalFailed(TrefoilError):
    """The journal could not be written or read."""


class InvariantBroken(TrefoilError):
    """The program contradicts itself. Nobody catches this to go on."""


class VenueError(TrefoilError):
    """What a venue answered, or did not."""

    def __init__(self, reason: str, code: str = "") -> None:
        super().__init__(f"{reason} ({code})" if code else reason)
        self.reason = reason
        self.code = code


class VenueRejected(VenueError):
    """A definite refusal; nothing was accepted."""


class VenueUnavailable(VenueError):
    """The request certainly did not reach the venue."""


class VenueUnknown(VenueError):
    """The request may have been accepted."""


class VenueRateLimited(VenueError):
    """429 or 418; nothing was accepted."""

    def __init__(self, reason: str, code: str, retry_after_ms: int) -> None:
        super().__init__(reason, code)
        self.retry_after_ms = retry_after_ms
