"""Run given signals in backtrader and print its trades as JSON. Runs in .venv-crosscheck.

Argument: the file `Case.write` makes.
"""

from __future__ import annotations

import json
import sys

import backtrader as bt  # type: ignore[import-not-found]  # it lives in an environment of its own
import numpy as np
import pandas as pd  # type: ignore[import-untyped]


def strategy_of(case: dict[str, np.ndarray]) -> type[bt.Strategy]:
    sides, quantity = case["sides"], float(case["quantity"])

    class Signals(bt.Strategy):  # type: ignore[misc]
        def __init__(self) -> None:
            self.fills: list[tuple[int, float, float]] = []

        def next(self) -> None:
            i = len(self) - 1
            side = int(sides[i])
            if (i and side == sides[i - 1]) or side == np.sign(self.position.size):
                return
            if self.position.size:
                self.close()
            if side:
                (self.buy if side > 0 else self.sell)(size=quantity)

        def notify_order(self, order: bt.Order) -> None:
            if order.status == order.Completed:
                self.fills.append((len(self) - 1, order.executed.size, order.executed.price))
            elif order.status in (order.Margin, order.Rejected):
                raise SystemExit(f"backtrader refused an order at bar {len(self) - 1}")

    return Signals


def main() -> None:
    with np.load(sys.argv[1]) as file:
        case = dict(file)
    columns = {name: case[name] for name in ("open", "high", "low", "close", "volume")}
    frame = pd.DataFrame(columns, index=pd.to_datetime(case["time"], unit="ms"))
    brain = bt.Cerebro(stdstats=False)
    brain.adddata(bt.feeds.PandasData(dataname=frame))
    brain.addstrategy(strategy_of(case))
    brain.broker.setcash(float(case["capital"]))
    brain.broker.setcommission(
        commission=float(case["fee"]), commtype=bt.CommInfoBase.COMM_PERC, percabs=True, stocklike=True
    )
    (ran,) = brain.run()
    rows, held = [], None
    for bar, size, price in ran.fills:
        if held is None:
            held = (bar, int(np.sign(size)), price)
        else:
            rows.append((held[0], bar, held[1], abs(size), held[2], price))
            held = None
    rest = [held] if held else []
    print(json.dumps({"trades": rows, "open": rest, "equity": brain.broker.getvalue()}))


main()
