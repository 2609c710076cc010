"""Cases of a test in two tiers: some stand for all of them in CI, the others run by hand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def first_slow(cases: Iterable[Any], count: int = 1) -> list[Any]:
    """The cases of a parametrised test: the first `count` with the slow tests, the others with the exhaustive ones."""
    marks = [pytest.mark.slow] * count
    return [
        pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=marks.pop() if marks else EXHAUSTIVE)
        for case in cases
    ]


EXHAUSTIVE = pytest.mark.exhaustive
