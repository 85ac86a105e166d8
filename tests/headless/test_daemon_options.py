"""How an engine is started: options as JSON, the exchange's addresses, the crash point."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from engine.errors import BadInput
from engine.probe import POINTS, no_probe
from engine.view import empty_desk
from headless.options import Addresses, Options, crash_probe, read_addresses, read_options
from headless.publisher import Publisher
from headless.steps import STEPS, StartSteps


@pytest.mark.parametrize("wanted", ["nowhere", "sent:x", ":1", "sent:-1", "after_commit:1:2"])
def test_a_crash_point_that_does_not_exist_is_refused(wanted: str) -> None:
    with pytest.raises(BadInput, match=f"^TREFOIL_CRASH: {wanted} - use POINT:COUNT with a point of before_commit"):
        crash_probe(wanted)


def test_no_crash_point_is_no_probe() -> None:
    assert crash_probe("") is no_probe


@pytest.mark.parametrize(("wanted", "survived"), [("sent", 0), ("sent:1", 0), ("sent:3", 2)])
def test_the_process_dies_at_the_nth_visit_of_its_point(wanted: str, survived: int) -> None:
    script = f"""
import sys
from headless.options import crash_probe
probe = crash_probe({wanted!r})
for visit in range(5):
    for point in {[point for point in POINTS if point != "sent"]}:
        probe(point)
    probe("sent")
    print("alive", flush=True)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == -9
    assert done.stdout == "alive\n" * survived


async def test_addresses_are_read_when_their_line_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "simulator.json"
    addresses = Addresses("http://x", "ws://x", {"apiKey": "a", "secret": "b"}, ("BTC/USDT:USDT",), 300_000)
    text = msgspec.json.encode(addresses).decode()
    reading = asyncio.create_task(read_addresses(file))
    for part in ("", text[:20], text):
        file.write_text(part, encoding="utf-8")
        await asyncio.sleep(0.03)
        assert not reading.done()
    file.write_text(text + "\nmore", encoding="utf-8")
    assert await asyncio.wait_for(reading, 10) == addresses


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Input data was truncated"),
        ("{}", "Object missing required field `home`"),
        ('{"home": 3}', "Expected `str`, got `int` - at `$.home`"),
        ('{"home": "/x", "mode": "dream"}', "Invalid enum value 'dream' - at `$.mode`"),
    ],
)
def test_options_that_are_none_are_one_sentence(text: str, reason: str) -> None:
    with pytest.raises(BadInput) as error:
        read_options(text)
    assert str(error.value) == f"engine options: {text} - {reason}"


def test_options_have_defaults_for_everything_but_the_home() -> None:
    options = read_options('{"home": "/x"}')
    assert options == Options(home="/x", mode="demo", base_ms=60_000, snapshot_every=10_000)
    assert options.demo
    assert not Options(home="/x", mode="paper").demo


async def test_steps_show_in_the_status_and_the_last_one_makes_ready() -> None:
    publisher = Publisher(empty_desk("demo"), lambda *_: None)
    told: list[str] = []
    steps = StartSteps(publisher, told.append)
    for name in STEPS:
        assert not publisher.desk.status.ready
        steps.step(name, 0 if name != STEPS[-1] else 2, 2)
        if name != STEPS[-1]:
            steps.step(name, 2, 2)
        shown = {step.name: (step.done, step.total) for step in publisher.desk.status.steps}
        assert list(shown) == list(STEPS)
        assert shown[name] == (2, 2)
    assert publisher.desk.status.ready
    assert told == []


async def test_a_step_that_waits_says_why_once_and_goes_on() -> None:
    publisher = Publisher(empty_desk("paper"), lambda *_: None)
    told: list[str] = []
    steps = StartSteps(publisher, told.append)
    steps.step("history", 1, 6)
    for why in ("away", "away", "too many requests"):
        steps.waits("history", why)
        (waiting,) = [step for step in publisher.desk.status.steps if step.waits]
        assert (waiting.name, waiting.done, waiting.waits) == ("history", 1, why)
    assert told == ["history: away; trying again", "history: too many requests; trying again"]
    steps.step("history", 2, 6)
    assert not any(step.waits for step in publisher.desk.status.steps)
    assert not publisher.desk.status.ready
