"""Run given signals in vectorbt and print its trades as JSON. Runs in .venv-crosscheck.

Argument: the file `Case.write` makes.
"""

from __future__ import annotations

import json
import sys

import numpy as np
import vectorbt as vbt  # type: ignore[import-not-found]  # it lives in an environment of its own


def main() -> None:
    with np.load(sys.argv[1]) as file:
        case = dict(file)
    # what is wanted at a close is done at the next open
    sides = np.concatenate(([0], case["sides"][:-1]))
    portfolio = vbt.Portfolio.from_signals(
        case["close"],
        entries=sides > 0,
        exits=sides == 0,
        short_entries=sides < 0,
        short_exits=sides == 0,
        price=case["open"],
        size=float(case["quantity"]),
        fees=float(case["fee"]),
        init_cash=float(case["capital"]),
        upon_opposite_entry="reverse",
    )
    table = portfolio.trades.values
    rows, rest = [], []
    for trade in table:
        side = 1 if trade["direction"] == 0 else -1
        if trade["status"] == 0:
            rest.append((int(trade["entry_idx"]), side, float(trade["entry_price"])))
        else:
            rows.append(
                (
                    int(trade["entry_idx"]),
                    int(trade["exit_idx"]),
                    side,
                    float(trade["size"]),
                    float(trade["entry_price"]),
                    float(trade["exit_price"]),
                )
            )
    print(json.dumps({"trades": rows, "open": rest, "equity": float(portfolio.final_value())}))


main()
