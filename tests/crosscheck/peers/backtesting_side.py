"""Run given signals in backtesting.py and print its trades as JSON. Runs in .venv-crosscheck.

Arguments: the file `Case.write` makes, and "close" to have the library close the last open trade.
"""

from __future__ import annotations

import json
import sys
import warnings

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from backtesting import Backtest, Strategy  # type: ignore[import-not-found]  # it lives in an environment of its own


def strategy_of(case: dict[str, np.ndarray]) -> type[Strategy]:
    sides, stops, targets = case["sides"], case["stops"], case["targets"]
    quantity, exits = float(case["quantity"]), bool(case["exits"])

    class Signals(Strategy):  # type: ignore[misc]
        def init(self) -> None:
            pass

        def next(self) -> None:
            i = len(self.data) - 1
            side = int(sides[i])
            held = int(np.sign(self.position.size))
            if side == sides[i - 1] or side == held or (side == 0 and exits):
                return
            self.position.close()
            if side:
                order = self.buy if side > 0 else self.sell
                order(size=quantity, sl=stops[i] if exits else None, tp=targets[i] if exits else None)

    return Signals


def main() -> None:
    with np.load(sys.argv[1]) as file:
        case = dict(file)
    index = pd.to_datetime(case["time"], unit="ms", utc=True)
    columns = {name.capitalize(): case[name] for name in ("open", "high", "low", "close", "volume")}
    warnings.simplefilter("ignore")
    test = Backtest(
        pd.DataFrame(columns, index=index),
        strategy_of(case),
        cash=float(case["capital"]),
        commission=float(case["fee"]),
        finalize_trades="close" in sys.argv,
    )
    stats = test.run()
    rows = [
        (
            int(t.EntryBar),
            int(t.ExitBar),
            int(np.sign(t.Size)),
            abs(float(t.Size)),
            float(t.EntryPrice),
            float(t.ExitPrice),
        )
        for t in stats["_trades"].sort_values("EntryBar", kind="stable").itertuples()
    ]
    rest = [(int(t.entry_bar), int(np.sign(t.size)), float(t.entry_price)) for t in stats["_strategy"].trades]
    print(json.dumps({"trades": rows, "open": rest, "equity": float(stats["_equity_curve"]["Equity"].iloc[-1])}))


main()
