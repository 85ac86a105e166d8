"""The news as this installation configures them."""

from __future__ import annotations

from collections.abc import Callable

from engine.news.desk import HOUR_MS, NewsDesk, NewsSources
from engine.ports import Clock
from headless.ensemble_config import NewsConfig


def newsroom(config: NewsConfig, clock: Clock, told: Callable[[str], None], *, demo: bool) -> NewsDesk:
    """Headlines and mood; a demo asks nobody."""
    if demo:
        return NewsDesk(NewsSources(), clock, told)
    sources = NewsSources(
        config.feeds, config.mood_url, round(config.max_age_hours * HOUR_MS), round(config.refresh_minutes * 60_000)
    )
    return NewsDesk(sources, clock, told)
