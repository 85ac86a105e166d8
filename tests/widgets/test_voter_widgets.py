"""The parts of the AI screen: curves with and without AI, calibration, who agrees with whom, at every size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.standing import Agreement, Answers, Bin, Curve, Report, Standing
from widgets.chart_scale import PriceScale
from widgets.line import width_of
from widgets.race_panel import edge, name_of, plot_lines, rows_of, short_lines
from widgets.reliability import mark_of, reliability_lines
from widgets.voter_detail import answers_lines, beside, matrix_lines, weight_line
from widgets.voters_panel import spent

NAMES = ("ensemble", "strategies", "claude", "gpt", "llama")


def standing(**more: object) -> Standing:
    values: dict[str, object] = {
        "voter": "gpt", "votes": 40, "hits": 20, "accuracy": 0.5, "low": 0.35, "high": 0.65, "brier": 0.2, "earned": 0.01,
        "followed": 12, "cost": 0, "cost_per_hit": None, "calibration": (), "worse_than_chance": False,
    }  # fmt: skip
    return Standing(**{**values, **more})  # type: ignore[arg-type] # a table's values


def report(*ends: float) -> Report:
    """Curves that go straight to these ends."""
    curves = tuple(
        Curve(name, tuple((60_000 * i, 1.0 + end * i / 20) for i in range(1, 21)))
        for name, end in zip(NAMES, ends, strict=False)
    )
    pairs = (
        Agreement("claude", "gpt", 40, 0.5),
        Agreement("claude", "llama", 0, 0.0),
        Agreement("gpt", "llama", 9, 1.0),
    )
    return Report((), pairs, curves)


@pytest.mark.parametrize("width", [40, 56, 98])
def test_how_often_a_voter_answered(width: int) -> None:
    answers = (Answers("gpt", 120, 7, "no answer within 12.0 s"), Answers("claude", 1_200, 0))
    found = Report((), (), (), answers)
    lines = answers_lines(found, "gpt", width)
    assert all(width_of(line.pieces) <= width for line in lines)
    text = " ".join(" ".join(line.text for line in lines).split())
    assert text == "Answered when it was asked 113 of 120 abstained 7 times, most often: no answer within 12.0 s"
    assert [line.text for line in answers_lines(found, "claude", width)] == [
        "Answered when it was asked  1,200 of 1,200"
    ]
    assert answers_lines(found, "ensemble", width) == []


@pytest.mark.parametrize("width", [56, 60, 98, 140])
@pytest.mark.parametrize("height", [8, 12, 30])
@pytest.mark.parametrize("ends", [(0.0,), (0.1, -0.1), (0.1, 0.1, 0.1, 0.1, 0.1), (5.0, -0.99, 0.0, 0.001, -0.001)])
def test_each_curve_has_its_name_and_result(width: int, height: int, ends: tuple[float, ...]) -> None:
    lines = plot_lines(report(*ends), "gpt", width, height)
    assert len(lines) == height
    assert all(width_of(line.pieces) <= width for line in lines)
    text = "\n".join(line.text for line in lines)
    for name, end in zip(NAMES, ends, strict=False):
        row = next(line.text for line in lines if f" {name_of(name)}" in line.text)
        assert f"{end * 100:+.2f}%" in row, text


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=6), st.integers(8, 40))
def test_labels_never_share_a_row_and_keep_their_order(values: list[float], rows: int) -> None:
    ends = [(value, f"v{i}") for i, value in enumerate(values)]
    placed = rows_of(ends, PriceScale(-5.0, 5.0, rows))
    assert len(set(placed.values())) == len(ends)
    assert all(0 <= row < rows for row in placed.values())
    order = sorted(ends, key=lambda end: (-end[0], end[1]))
    assert [placed[name] for _, name in order] == sorted(placed.values())


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        ((0.05, 0.02), "the AI gains 3.00 points"),
        ((-0.05, 0.02), "the AI costs 7.00 points"),
        ((0.02, 0.02), "the AI changes nothing"),
        ((0.05,), None),
    ],
)
def test_what_the_ai_adds_is_told_in_points(ends: tuple[float, ...], words: str | None) -> None:
    found = edge(report(*ends))
    assert (found[0] if found is not None else None) == words


def test_without_room_for_curves_each_has_a_line() -> None:
    lines = short_lines(report(0.1, -0.1, 0.0), 40)
    assert [line.text.split()[0] for line in lines] == ["with", "without", "claude"]
    assert all(width_of(line.pieces) <= 40 for line in lines)


@given(
    st.lists(st.builds(Bin, st.integers(1, 500), st.floats(0, 1), st.floats(0, 1)), max_size=5),
    st.integers(30, 120),
    st.integers(6, 30),
)
def test_calibration_stays_in_its_field(bins: list[Bin], width: int, height: int) -> None:
    lines = reliability_lines(bins, width, height)
    assert len(lines) == height
    assert all(width_of(line.pieces) == width for line in lines)
    text = "".join(line.text for line in lines)
    assert not bins or any(mark_of(one.votes) in text for one in bins)


def test_a_voter_on_the_diagonal_is_as_often_right_as_it_says() -> None:
    lines = [line.text for line in reliability_lines([Bin(150, 0.0, 0.0), Bin(150, 1.0, 1.0)], 45, 11)]
    assert lines[0].index("●") == 39
    assert lines[9].index("●") == 0


def test_the_matrix_is_the_same_from_both_sides() -> None:
    rows = [line.text.split() for line in matrix_lines(report(0.1), "gpt")]
    assert rows == [
        ["claude", "gpt", "llama"],
        ["claude", "·", "50", "%", "-"],
        ["gpt", "50", "%", "·", "100", "%"],
        ["llama", "-", "100", "%", "·"],
    ]


def test_two_blocks_stand_beside_each_other() -> None:
    left, right = reliability_lines([], 30, 6), matrix_lines(report(0.1), "gpt")
    lines = beside(left, right, 34)
    assert len(lines) == 6
    assert lines[1].text[34:].startswith("claude")


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (standing(votes=12), "x 1.00  12 of 30 votes scored"),
        (standing(weight=1.25), "x 1.25  0.25 / its Brier score 0.200"),
    ],
)
def test_a_weight_says_why(one: Standing, words: str) -> None:
    assert words in weight_line(one).text


@pytest.mark.parametrize(
    ("cost", "unpriced", "words"), [(0, 0, "-"), (0, 3, "unknown"), (250_000, 3, ">$0.003"), (250_000, 0, "$0.003")]
)
def test_an_unknown_cost_is_never_nothing(cost: int, unpriced: int, words: str) -> None:
    assert spent(standing(cost=cost, unpriced=unpriced)) == words
