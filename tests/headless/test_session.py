"""Sessions on real processes: who lives, who only has the same number, and what a dead engine said last."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from headless.birth import _birth_from_ps, own_birth, process_birth
from headless.session import Process, Session, last_line, lives, read_session, spawn, stop, write_session


@pytest.fixture
def child(tmp_path: Path) -> Process:
    return spawn(["http.server", "--bind", "127.0.0.1", "0"], tmp_path / "child.log")


def test_a_child_lives_in_a_session_of_its_own_until_it_is_stopped(child: Process) -> None:
    assert lives(child)
    assert os.getsid(child.pid) == child.pid != os.getsid(0)
    assert not lives(Process(child.pid, "another birth"))
    stop(child)
    os.waitpid(child.pid, 0)
    assert not lives(child)


def test_births_differ_and_ps_agrees_on_who_is_alive(child: Process) -> None:
    assert process_birth(child.pid) == child.birth != own_birth()
    assert _birth_from_ps(child.pid) == _birth_from_ps(child.pid) != ""
    stop(child)
    os.waitpid(child.pid, 0)
    assert _birth_from_ps(child.pid) is None


def test_a_session_is_read_back_and_anything_else_is_none(tmp_path: Path) -> None:
    file = tmp_path / "session.json"
    assert read_session(file) is None
    session = Session(folder="/x", engine=Process(1, "a"), simulator=Process(2, "b"))
    write_session(file, session)
    assert read_session(file) == session
    file.write_text("{")
    assert read_session(file) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ""),
        ("noise\nengine: disk: full - free some space\n", "disk: full - free some space"),
        ("engine: old sentence\n-- starts --\n2026 [info] engine starts mode=demo\n", ""),
        ("-- starts --\nengine: first\nengine: second\nTraceback\n", "second"),
    ],
)
def test_the_last_sentence_of_this_run_is_found(tmp_path: Path, text: str, said: str) -> None:
    log = tmp_path / "engine.log"
    assert last_line(log) == ""
    log.write_text(text)
    assert last_line(log) == said


def test_a_defect_leaves_its_traceback_and_a_sentence(tmp_path: Path) -> None:
    log = tmp_path / "engine.log"
    child = spawn(["tests.headless.defect"], log)
    _, status = os.waitpid(child.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 1
    assert last_line(log) == "a defect of Trefoil (KeyError: 'a price\\nnobody expected'); its log says more"
    assert "Traceback (most recent call last)" in log.read_text()


def test_a_failing_child_leaves_its_sentence(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "config.toml").write_text("[trading]\nrisk_fractoin = 1\n")
    options = f'{{"home": "{home}", "mode": "paper"}}'
    log = tmp_path / "engine.log"
    child = spawn(["headless.daemon", options], log)
    _, status = os.waitpid(child.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 1
    assert "risk_fractoin" in last_line(log)
    assert sys.executable not in last_line(log)
