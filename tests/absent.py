"""What a test needs and this machine has not: a failure in CI, elsewhere a skip that the end of the run names."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from typing import NoReturn

import pytest

SKIPPED = "Skipped: "


def absent(reason: str, insists: str = "CI") -> NoReturn:
    """Something is missing: fails where the variable `insists` is set, and skips elsewhere."""
    if os.environ.get(insists):
        pytest.fail(reason)
    pytest.skip(reason)


def untested(reports: Iterable[pytest.TestReport]) -> list[str]:
    """A line for each reason that tests were skipped for, with how many they are."""
    reasons = Counter(
        report.longrepr[2].removeprefix(SKIPPED) for report in reports if isinstance(report.longrepr, tuple)
    )
    return [f"{count} {'test' if count == 1 else 'tests'} not run: {reason}" for reason, count in reasons.most_common()]
