"""The models of a data directory: kept, promoted one at a time, demoted, removed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from engine.errors import BadInput
from engine.forecast.model_file import SUFFIX, Header, decode, encode
from engine.forecast.shelf import INDEX, Shelf, Standing
from engine.forecast.shipped import FOLDER
from engine.model.forecast import Live, ModelInUse

FILE = min(FOLDER.glob(f"*{SUFFIX}"))
HEADER, NET = decode(FILE.read_bytes(), FILE.name)


def put(shelf: Shelf, model: str, created: int, symbol: str = "BTC/USDT:USDT") -> Header:
    header = msgspec.structs.replace(HEADER, id=model, created=created, symbol=symbol, timeframe_ms=3_600_000)
    shelf.add(header, encode(header, NET))
    return header


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    made = Shelf(tmp_path / "models")
    put(made, "aa11", 1)
    put(made, "aa22", 3)
    put(made, "bb33", 2, "ETH/USDT:USDT")
    return made


def ids(shelf: Shelf) -> list[str]:
    return [one.header.id for one in shelf.kept()[0]]


def test_the_newest_stands_first(shelf: Shelf) -> None:
    assert ids(shelf) == ["aa22", "bb33", "aa11"]


def test_nothing_is_there_before_the_first(tmp_path: Path) -> None:
    empty = Shelf(tmp_path / "none")
    assert empty.kept() == ([], [])
    assert empty.in_use("BTC/USDT:USDT", 3_600_000) is None
    assert not (tmp_path / "none").exists()


def test_one_model_is_in_use_for_a_symbol(shelf: Shelf) -> None:
    shelf.promote("aa11")
    shelf.promote("bb33")
    shelf.promote("aa22")
    used = {one.header.id for one in shelf.kept()[0] if one.standing.promoted}
    assert used == {"aa22", "bb33"}
    found = shelf.in_use("BTC/USDT:USDT", 3_600_000)
    assert found is not None
    assert found.header.id == "aa22"
    assert shelf.in_use("BTC/USDT:USDT", 60_000) is None


def test_tries_count_the_models_of_the_same_bars(shelf: Shelf) -> None:
    assert (shelf.tries("BTC/USDT:USDT", 3_600_000), shelf.tries("SOL/USDT:USDT", 3_600_000)) == (2, 0)


def test_a_demoted_model_says_why_until_it_is_promoted_again(shelf: Shelf) -> None:
    shelf.promote("aa11")
    demoted = shelf.demote("aa11", "drift: too far")
    assert (demoted.trusted, demoted.reason, demoted.standing.promoted) == (False, "drift: too far", True)
    again = shelf.promote("aa11")
    assert (again.trusted, again.standing.live) == (HEADER.trusted, Live())


def test_what_the_engine_records_does_not_undo_a_promotion(shelf: Shelf) -> None:
    shelf.promote("aa22")
    shelf.record({"aa22": ModelInUse(model="aa22", round=1, distrusted="drift", live=Live(scored=3))})
    found = shelf.find("aa22").standing
    assert (found.promoted, found.demoted, found.live.scored) == (True, "drift", 3)


def test_what_the_engine_records_of_an_earlier_round_is_forgotten(shelf: Shelf) -> None:
    shelf.promote("aa22")
    before = shelf.find("aa22").in_use
    shelf.promote("aa22")
    shelf.record({"aa22": msgspec.structs.replace(before, distrusted="drift", live=Live(scored=70))})
    assert shelf.find("aa22").standing == Standing(promoted=True, round=2)


def test_what_the_engine_records_does_not_undo_a_person_s_distrust(shelf: Shelf) -> None:
    shelf.promote("aa22")
    before = shelf.find("aa22").in_use
    shelf.demote("aa22", "demoted by a person")
    shelf.record({"aa22": msgspec.structs.replace(before, live=Live(scored=70))})
    found = shelf.find("aa22").standing
    assert (found.demoted, found.live.scored) == ("demoted by a person", 70)


def test_an_engine_hears_all_it_must_know(shelf: Shelf) -> None:
    shelf.promote("aa22")
    shelf.demote("aa22", "demoted by a person")
    found = shelf.find("aa22").in_use
    assert (found.model, found.round, found.passed, found.distrusted) == (
        "aa22",
        1,
        HEADER.trusted,
        "demoted by a person",
    )
    assert (found.horizon, found.half_width) == (HEADER.recipe.horizon, HEADER.half_width)
    assert (found.error_mean, found.error_deviation) == (HEADER.error_mean, HEADER.error_deviation)


def test_every_decision_changes_the_stamp(shelf: Shelf) -> None:
    stamps = [shelf.stamp()]
    shelf.promote("aa22")
    stamps.append(shelf.stamp())
    shelf.demote("aa22", "drift")
    stamps.append(shelf.stamp())
    shelf.remove("aa22")
    stamps.append(shelf.stamp())
    assert len(set(stamps)) == 4
    assert Shelf(shelf.folder / "none").stamp() == (0, 0, 0)


def test_many_at_once_lose_nothing(shelf: Shelf) -> None:
    """Threads with a shelf of their own, as an engine and the commands are."""
    keys = ["aa11", "aa22", "bb33"] * 8
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: Shelf(shelf.folder).promote(key), keys))
    rounds = {model: one.round for model, one in shelf.standings().items()}
    assert sum(rounds.values()) == len(keys)


def test_a_file_that_changed_is_checked_again(shelf: Shelf) -> None:
    assert len(shelf.kept()[0]) == 3
    path = shelf.folder / f"aa11{SUFFIX}"
    path.write_bytes(path.read_bytes()[:-1])
    kept, wrong = shelf.kept()
    assert (len(kept), len(wrong)) == (2, 1)


@pytest.mark.parametrize(
    ("key", "sentence"), [("aa", "several begin so: aa22, aa11"), ("zz", "no such"), ("", "no such")]
)
def test_a_key_names_one_model(shelf: Shelf, key: str, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        shelf.find(key)


def test_a_removed_model_is_gone_with_its_standing(shelf: Shelf) -> None:
    shelf.promote("bb33")
    shelf.remove("bb33")
    assert ids(shelf) == ["aa22", "aa11"]
    assert "bb33" not in shelf.standings()


def test_a_shipped_model_stays(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "models", FOLDER)
    with pytest.raises(BadInput, match="comes with the package"):
        shelf.remove(HEADER.id)
    assert FILE.exists()


def test_a_broken_file_is_named_and_the_others_still_serve(shelf: Shelf) -> None:
    (shelf.folder / f"cc44{SUFFIX}").write_bytes(b"\x80\x04 a pickle")
    kept, wrong = shelf.kept()
    assert len(kept) == 3
    assert len(wrong) == 1
    assert f"cc44{SUFFIX}" in wrong[0]


def test_a_broken_index_is_refused(shelf: Shelf) -> None:
    (shelf.folder / INDEX).write_text("{")
    with pytest.raises(BadInput, match="model index"):
        shelf.kept()
