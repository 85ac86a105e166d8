"""The engine's forecaster: a forecast at each closed bar of the symbols with a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.bars import Bars
from engine.model.forecast import Forecast

if TYPE_CHECKING:
    # onnxruntime comes with it: whoever has a model has loaded it
    from engine.forecast.inference import Model


class LiveForecaster:
    """Implements the port `Forecaster`. Models may come and go while it works."""

    def __init__(self) -> None:
        self._serving: dict[str, tuple[Model, str]] = {}

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols with a model."""
        return tuple(self._serving)

    def serve(self, symbol: str, model: Model | None, distrusted: str = "") -> None:
        """Let `model` forecast the symbol from here on; None: nobody. `distrusted` says why it is not trusted (any more)."""
        if model is None:
            self._serving.pop(symbol, None)
        else:
            self._serving[symbol] = (model, distrusted)

    def distrust(self, symbol: str, model: str, reason: str) -> None:
        """The model with this id goes on forecasting, untrusted."""
        serving = self._serving.get(symbol)
        if serving is not None and serving[0].header.id == model:
            self._serving[symbol] = (serving[0], reason)

    def forecast(self, symbol: str, bars: Bars) -> Forecast | None:
        """The forecast at the close of the last of `bars`; None without a model or with too few whole bars."""
        serving = self._serving.get(symbol)
        if serving is None or len(bars) == 0:
            return None
        model, distrusted = serving
        return model.forecast(bars, reason=distrusted)
