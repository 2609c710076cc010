"""Which questions to ask next: the weakest first, or a paper that a seed draws. Nothing here is shown or stored."""

from __future__ import annotations

from helpers.review.papers import draw_paper, seed_of, shuffled
from helpers.review.schedule import Standing, count_due, standings, weakest_first

__all__ = ["Standing", "count_due", "draw_paper", "seed_of", "shuffled", "standings", "weakest_first"]
