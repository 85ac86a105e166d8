"""The Models screen: the list, the details, and each of its keys."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.app import App
from textual.pilot import Pilot

from engine.forecast.model_file import SUFFIX
from engine.forecast.shipped import FOLDER
from engine.forecast.view import LiveView, ModelView, ScoresView, TrainingView
from headless.models import ForecastCommands, ModelsFailed
from station.app import StationApp
from station.screens.desk import DeskScreen
from station.screens.models import ModelsScreen, progress_text
from tests.engine.backtest.walks import write_csv
from tests.engine.forecast.series import need_training, walk
from tests.station.fake_source import FakeSource
from widgets.model_curve import ModelCurve, curve_lines
from widgets.model_detail import ModelDetail, detail_lines, direction_lines, live_lines, score_cells
from widgets.models_panel import ModelsPanel

SCORES = ScoresView(mae=299.7, rmse=458.4, mae_return=0.0033, rmse_return=0.0049, direction=0.55)
GUESS = replace(SCORES, rmse_return=0.0052, direction=None)
ONE = ModelView(
    model="c0ffee00",
    symbol="BTC/USDT:USDT",
    timeframe="1h",
    preset="returns",
    features="full",
    created=2,
    source="BTC_1h.parquet",
    begin=1_704_067_200_000,
    end=1_735_689_600_000,
    note="",
    promoted=True,
    trusted=True,
    reason="trusted: RMSE 0.4900% against 0.5200% of persistence (p = 0.001), direction 55.0%",
    live=LiveView(scored=100, moved=100, hits=54, inside=91, error=80.0),
    scores=SCORES,
    baselines={"persistence": GUESS, "linear": replace(GUESS, rmse_return=0.0051), "majority": GUESS},
    samples=2_900,
    level=0.9,
    coverage=0.902,
    curve=((1, 1.0, 1.01), (2, 0.98, 0.99), (3, 0.97, 1.0)),
)
TWO = replace(
    ONE,
    model="0badcafe",
    created=1,
    promoted=False,
    trusted=False,
    reason="untrusted: not better beyond luck",
    live=LiveView(),
)
HALF = TrainingView(epoch=2, epochs=4, part=0.0, loss=1.0021, best=0.99, left_s=75.0)


class Shelf:
    """Implements headless.models.ModelSource."""

    def __init__(self, *models: ModelView, trouble: str = "") -> None:
        self.kept = models
        self.trouble = trouble
        self.asked: list[tuple[str, ...]] = []
        self.cancelled = asyncio.Event()

    async def models(self) -> tuple[ModelView, ...]:
        if self.trouble:
            raise ModelsFailed(self.trouble)
        return self.kept

    async def act(self, verb: str, model: str) -> None:
        self.asked.append((verb, model))

    async def train(self, arguments: Sequence[str], told: Callable[[TrainingView], None]) -> str:
        self.asked.append(("train", *arguments))
        told(HALF)
        await self.cancelled.wait()
        return "12345678"

    def cancel(self) -> None:
        self.cancelled.set()


class Host(App[None]):
    def __init__(self, source: Shelf) -> None:
        super().__init__()
        self.models = ModelsScreen(source)

    def on_mount(self) -> None:
        self.push_screen(self.models)


def text_of(app: App[None]) -> str:
    lines = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in lines)


async def until(pilot: Pilot[None], text: str) -> None:
    async with asyncio.timeout(10):
        while text not in text_of(pilot.app):
            await pilot.pause()


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_list_and_details(size: tuple[int, int]) -> None:
    app = Host(Shelf(ONE, TWO))
    async with app.run_test(size=size) as pilot:
        await until(pilot, "c0ffee00 BTC/USDT:USDT 1h in use")
        text = text_of(app)
        assert "trusted: RMSE 0.4900%" in text
        assert "0badcafe" in text
        assert "persistence" in text


async def test_the_cursor_chooses_the_details() -> None:
    app = Host(Shelf(ONE, TWO))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, "c0ffee00 BTC/USDT:USDT 1h in use")
        await pilot.press("down")
        await until(pilot, "0badcafe BTC/USDT:USDT 1h not in use")
        assert "Live: nothing has come due yet." in text_of(app)


@pytest.mark.parametrize(("keys", "asked"), [("u", "promote"), ("d", "demote"), ("Dy", "remove")])
async def test_a_key_acts_on_the_model_under_the_cursor(keys: str, asked: str) -> None:
    source = Shelf(ONE, TWO)
    app = Host(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, "c0ffee00 BTC")
        await pilot.press("down", *keys)
        await until(pilot, "0badcafe is")
        assert source.asked == [(asked, "0badcafe")]


async def test_deleting_asks_first() -> None:
    source = Shelf(ONE)
    app = Host(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, "c0ffee00 BTC")
        await pilot.press("D", "n")
        await pilot.pause()
        assert source.asked == []


async def test_training_shows_its_progress_and_can_be_stopped() -> None:
    source = Shelf(ONE)
    app = Host(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, "c0ffee00 BTC")
        await pilot.press("n")
        await pilot.press(*"a.csv --epochs 4", "enter")
        await until(pilot, "epoch 2/4")
        assert source.asked == [("train", "--data", "a.csv", "--epochs", "4")]
        await pilot.press("n")
        await until(pilot, "A training runs already")
        await pilot.press("x")
        await until(pilot, "12345678 is trained; u puts it to use.")


async def test_a_training_draws_its_curve_and_gives_the_place_back() -> None:
    source = Shelf(ONE)
    app = Host(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, "Learning curve c0ffee00")
        await pilot.press("n", *"a.csv", "enter")
        await until(pilot, "Training epoch 2 of 4")
        assert "The curve begins with the second epoch." in text_of(app)
        curve = app.models.query_one(ModelCurve)
        for epoch in (1, 2, 3):
            curve.train(replace(HALF, epoch=epoch, part=1.0, loss=1.0 - epoch / 100, validation=1.1 - epoch / 100))
        await until(pilot, "kept: epoch 3 of 3")
        await pilot.press("x")
        await until(pilot, "Learning curve c0ffee00")


async def test_a_narrow_screen_has_the_curve_among_the_details() -> None:
    app = Host(Shelf(ONE))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, "c0ffee00 BTC/USDT:USDT 1h in use")
        assert not app.models.query_one(ModelCurve).display
        await pilot.press("tab", "end")
        await until(pilot, "kept: epoch 2 of 3")
        assert "Esc Desk" in text_of(app)


async def test_trouble_is_said() -> None:
    app = Host(Shelf(trouble="model index: cannot be read"))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, "model index: cannot be read")


async def test_without_models_it_says_how_to_make_one() -> None:
    app = Host(Shelf())
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, "Press n to train one")
        assert not app.models.query_one(ModelsPanel).cursor
        assert app.models.query_one(ModelDetail).title_text == "Model"


async def test_escape_leaves_the_field_and_then_the_screen() -> None:
    app = Host(Shelf(ONE))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("n", "escape")
        assert app.screen is app.models
        await pilot.press("escape")
        assert app.screen is not app.models


def test_the_progress_in_words() -> None:
    text = progress_text(HALF)
    assert text == f"epoch 2/4 {'━' * 6}{'┄' * 18} loss 1.0021, best 0.9900, at most 1 min 15 s left"


def test_the_curve_names_the_epoch_that_was_kept() -> None:
    assert "kept: epoch 2 of 3" in curve_lines(ONE.curve, 60, 9)[0].text
    assert curve_lines(ONE.curve[:1], 60, 9)[0].text == "The learning curve has one epoch."
    assert curve_lines((), 60, 9) == []


@pytest.mark.parametrize(("width", "rows"), [(30, 5), (46, 12), (90, 40)])
def test_the_curve_fills_its_room_and_marks_what_was_kept(width: int, rows: int) -> None:
    curve = tuple((i + 1, 1.0 - i / 100, 1.1 - i / 50 if i < 6 else 0.9 + i / 50) for i in range(12))
    lines = [line.text for line in curve_lines(curve, width, rows)]
    assert len(lines) == rows
    assert all(len(line) <= width for line in lines)
    marks = [row for row, line in enumerate(lines[1:]) if "●" in line]
    assert len(marks) == 1
    assert lines[-1].startswith("1")
    assert lines[-1].rstrip().endswith("12")


def test_the_direction_is_drawn_beside_a_coin() -> None:
    sure = replace(SCORES, direction=0.56, direction_interval=(0.54, 0.58))
    coin = replace(SCORES, direction=0.50, direction_interval=(0.48, 0.52))
    model = replace(ONE, scores=sure, baselines={"drift": coin}, live=LiveView(scored=100, moved=100, hits=45))
    axis, ours, live, drift = (line.text for line in direction_lines(model, 70))
    assert axis.startswith("direction")
    middle = axis.index("50%") + 1
    assert ours.index("├") > middle  # all of the interval lies above a coin
    assert live.index("├") < middle < live.index("┤")
    assert drift[middle] == "●"
    assert [line.split()[-1] for line in (ours, live, drift)] == ["56.0%", "45.0%", "50.0%"]
    assert direction_lines(model, 30) == []


@pytest.mark.parametrize(("error", "tone"), [(70.0, "profit"), (85.0, "warn"), (95.0, "loss")])
def test_the_live_error_stands_beside_what_was_promised(error: float, tone: str) -> None:
    live = LiveView(scored=100, moved=100, hits=54, inside=91, error=error)
    lines = live_lines(replace(ONE, live=live, error_mean=0.8, error_limit=0.9), 90)
    assert lines[0].text == "Live: 54.0% of 100 directions right; 91.0% of 100 within the interval."
    assert f"{error / 100:.2f} volatilities validation 0.80, distrusted above 0.90" in lines[1].text
    assert any(used == tone for _, used in lines[1].pieces)


@pytest.mark.parametrize(
    ("ours", "theirs", "piece"),
    [(0.0049, 0.005, ("-2.00 %", "profit")), (0.0051, 0.005, ("+2.00 %", "loss")), (0.0051, 0.0, ("-", "dim"))],
)
def test_a_row_says_by_how_much_the_model_is_better(ours: float, theirs: float, piece: tuple[str, str]) -> None:
    model = replace(SCORES, rmse_return=ours)
    assert score_cells("drift", replace(SCORES, rmse_return=theirs), model)[2] == piece
    assert score_cells("majority", SCORES, model)[2] == ("-", "dim")


def test_details_never_reach_beyond_the_width() -> None:
    for width in (50, 80, 120):
        assert all(len(line.text) <= width for line in detail_lines(ONE, width))


async def test_the_real_source_reads_acts_and_says_what_is_wrong(tmp_path: Path) -> None:
    source = ForecastCommands(tmp_path)
    shipped = await source.models()
    assert {one.model for one in shipped} == {path.name.removesuffix(SUFFIX) for path in FOLDER.glob(f"*{SUFFIX}")}
    await source.act("demote", shipped[0].model)
    again = {one.model: one for one in await source.models()}
    assert again[shipped[0].model].reason == "demoted by a person"
    with pytest.raises(ModelsFailed, match="there is no such model"):
        await source.act("promote", "zzz")
    with pytest.raises(ModelsFailed, match=r"none\.csv"):
        await source.train(["--data", str(tmp_path / "none.csv")], print)
    source.cancel()


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_the_real_source_trains_tells_and_stops_when_asked(tmp_path: Path) -> None:
    need_training()
    data = write_csv(tmp_path / "binance_usdm_BTCUSDT_1h.csv", walk(900))
    source = ForecastCommands(tmp_path / "home")
    told: list[TrainingView] = []

    def hear(now: TrainingView) -> None:
        told.append(now)
        if now.validation is not None:
            source.cancel()

    options = ["--window", "6", "--units", "8", "--epochs", "500", "--patience", "500"]
    model = await source.train(["--data", str(data), *options], hear)
    found = {one.model: one for one in await source.models()}
    assert 1 <= len(found[model].curve) < 500
    assert told[0].epochs == 500
    assert any(one.validation is not None for one in told)


async def test_the_key_opens_it_over_the_desk_and_escape_comes_back() -> None:
    app = StationApp(FakeSource(), keys={}, theme="", symbol=None, models=Shelf(ONE))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("5")
        await until(pilot, "c0ffee00 BTC")
        await pilot.press("escape")
        assert isinstance(app.screen, DeskScreen)
        await pilot.press("5")
        await until(pilot, "c0ffee00 BTC")


async def test_a_station_without_models_says_so() -> None:
    app = StationApp(FakeSource(), keys={}, theme="", symbol=None)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("5")
        await pilot.pause()
        assert isinstance(app.screen, DeskScreen)
        assert any("data directory" in note.message for note in app._notifications)
