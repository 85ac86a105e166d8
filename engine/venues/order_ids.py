"""The exchange's numbers of orders and ours, as far back as anybody may ask."""

from __future__ import annotations

from collections import OrderedDict

MOST = 10_000


class OrderIds(OrderedDict[str, str]):
    """Exchange's number -> our id, of the newest `MOST` orders heard of.

    The oldest are forgotten. A report names all open orders, so these are always among the newest; what became of one that
    no report shows any more is asked for by id.
    """

    def __setitem__(self, venue_id: str, client_id: str) -> None:
        super().__setitem__(venue_id, client_id)
        self.move_to_end(venue_id)
        if len(self) > MOST:
            self.popitem(last=False)
