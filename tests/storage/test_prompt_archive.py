"""Questions and answers on disk: private, redacted, limited, and readable after a crash."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from engine.errors import BadInput
from engine.model.vote import Stance, Vote, VoteStatus
from storage.prompt_archive import MOST_TEXT, Kept, PromptArchive, redacted

DAY = 86_400_000
T0 = 20_209 * DAY  # 2025-05-01


def kept(at: int = T0, answer: str = "{}", user: str = "facts") -> Kept:
    vote = Vote(voter="gpt", model="m", status=VoteStatus.OK, stance=Stance.LONG, prompt_hash="f" * 64)
    return Kept(
        at=at, symbol="BTC/USDT:USDT", timeframe_ms=60_000, bar_time=at, role="news", system="s", user=user,
        answer=answer, vote=vote, candidate=1,
    )  # fmt: skip


def test_what_is_kept_is_read_newest_last(tmp_path: Path) -> None:
    archive = PromptArchive(tmp_path / "prompts")
    all_ = [kept(T0 + i * DAY // 2, answer=f"answer {i} ✓") for i in range(7)]
    for one in all_:
        archive.keep(one)
    assert archive.read(100) == all_
    assert archive.read(3) == all_[-3:]
    assert sorted(file.name for file in (tmp_path / "prompts").iterdir()) == [
        f"2025-05-0{i}.jsonl" for i in (1, 2, 3, 4)
    ]


def test_nothing_kept_is_nothing_read(tmp_path: Path) -> None:
    assert PromptArchive(tmp_path / "none").read(5) == []


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    archive = PromptArchive(tmp_path / "prompts")
    archive.keep(kept())
    (file,) = (tmp_path / "prompts").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "secret",
    ["sk-proj-abcdefghijklmnop", "sk_live_abcdefghijklmnop", "Bearer abcdefghijklmnop.qr", "xoxb-123456789012-abc"],
)
def test_what_looks_like_a_key_is_blotted_out(tmp_path: Path, secret: str) -> None:
    archive = PromptArchive(tmp_path / "prompts")
    archive.keep(kept(answer=f"my key is {secret}, keep it", user=f"{secret}"))
    (file,) = (tmp_path / "prompts").iterdir()
    assert secret.encode() not in file.read_bytes()
    assert archive.read(1)[0].answer == "my key is [redacted], keep it" or "[redacted]" in archive.read(1)[0].answer


def test_plain_words_stay() -> None:
    assert redacted("risk-reward of 2, key level 105000") == "risk-reward of 2, key level 105000"


def test_long_texts_are_cut(tmp_path: Path) -> None:
    archive = PromptArchive(tmp_path / "prompts")
    archive.keep(kept(answer="x" * (MOST_TEXT + 1)))
    assert len(archive.read(1)[0].answer) == MOST_TEXT


def test_the_oldest_days_go_when_all_are_too_large(tmp_path: Path) -> None:
    archive = PromptArchive(tmp_path / "prompts", most=2_500)
    for i in range(6):
        archive.keep(kept(T0 + i * DAY, answer="x" * 500))
    names = sorted(file.name for file in (tmp_path / "prompts").iterdir())
    assert names[-1] == "2025-05-06.jsonl"
    assert len(names) < 6


def test_a_line_cut_by_a_crash_is_left_out_and_a_spoiled_one_is_named(tmp_path: Path) -> None:
    archive = PromptArchive(tmp_path / "prompts")
    archive.keep(kept())
    (file,) = (tmp_path / "prompts").iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:40])
    assert archive.read(5) == [kept()]
    file.write_bytes(b"{}\n" + whole)
    with pytest.raises(BadInput, match=r"2025-05-01\.jsonl line 1"):
        archive.read(5)


def test_a_cut_line_does_not_spoil_what_is_kept_after_it(tmp_path: Path) -> None:
    archive = PromptArchive(tmp_path / "prompts")
    archive.keep(kept())
    (file,) = (tmp_path / "prompts").iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:40])
    archive.keep(kept(T0 + 1))
    archive.keep(kept(T0 + 2))
    assert [one.at for one in archive.read(5)] == [T0, T0 + 1, T0 + 2]
    names = sorted(one.name for one in file.parent.iterdir())
    assert names == ["2025-05-01.1.jsonl", "2025-05-01.jsonl"]


def test_one_busy_day_stays_within_the_limit_and_in_order(tmp_path: Path) -> None:
    archive = PromptArchive(tmp_path / "prompts", most=20_000)
    for i in range(100):
        archive.keep(kept(T0 + i, answer="x" * 500))
    files = list((tmp_path / "prompts").iterdir())
    assert sum(file.stat().st_size for file in files) <= 22_000
    found = [one.at for one in archive.read(1_000)]
    assert found == list(range(found[0], T0 + 100))
    assert len(found) >= 15
