"""How many bytes a lesson's page loads in all, counted as they lie on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.course import notebooks
from helpers.publish.cells.context import BuildOptions
from helpers.publish.cells.store import Store
from helpers.publish.site.build import build_site
from helpers.publish.site.pages import file_name
from tests.benchmarks.site import loaded_bytes
from tests.tiers import first_slow

MOST = 2_500_000
HEAVIEST = "10"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("lesson", first_slow(sorted(notebooks(), key=lambda lesson: lesson != HEAVIEST)))
def test_a_page_with_all_its_states_weighs_at_most_two_and_a_half_megabytes(lesson: str, tmp_path: Path) -> None:
    build_site(tmp_path / "site", (lesson,), BuildOptions(quick=True), Store())
    assert loaded_bytes(tmp_path / "site", file_name(notebooks()[lesson])) <= MOST
