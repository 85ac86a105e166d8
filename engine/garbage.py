"""Python's cyclic garbage collector in a process that lives for weeks.

By default it looks after every 700 new containers, and now and then at all there are: 0.1 s over the 300,000 objects of
the loaded libraries, in which no price is read and no order sent. They never become garbage, so it is told to pass over
them; and it looks less often while they are loaded, which makes a start shorter.
"""

from __future__ import annotations

import gc

YOUNG, MIDDLE, OLD = 50_000, 20, 50


def collect_seldom() -> None:
    """Look after `YOUNG` new containers; called before the heavy imports."""
    gc.set_threshold(YOUNG, MIDDLE, OLD)


def pass_over_what_is_loaded() -> None:
    """Collect once and leave everything that is alive out of later passes; called when a start is over."""
    gc.collect()
    gc.freeze()
