"""How many bytes a lesson's page loads in all, counted as they lie on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers import panels
from helpers.course import LESSONS, notebooks
from helpers.panels import PANELS, Panel
from helpers.publish.cells.assets import write_assets
from helpers.publish.cells.bake import Fineness, anchors, states_of, table_of
from helpers.publish.cells.store import Store
from helpers.publish.site.assets import write_site_assets
from helpers.publish.site.build import build_site
from helpers.publish.site.frame import SCRIPTS
from helpers.publish.site.pages import file_name
from tests.benchmarks.site import loaded_bytes

MOST = 2_500_000
TEXT = 450_000
"""What text, questions and figures of a page may take, of which the largest takes 0.42 MB."""

EVERY = 20


def estimated(panel: Panel) -> float:
    """Bytes of a panel's table, from every twentieth of its states; they have less in common than all of them."""
    states = states_of(panel, Fineness())
    some = sorted({*states[::EVERY], *anchors(panel)})
    return sum(map(len, table_of(panel.live, some).values())) * len(states) / len(some)


@pytest.fixture(scope="module")
def of_every_page(tmp_path_factory: pytest.TempPathFactory) -> int:
    """Bytes of the scripts, style sheets and plotly.js that every page loads."""
    folder = tmp_path_factory.mktemp("shared") / "assets"
    write_assets(folder)
    write_site_assets(folder)
    names = [f"{name}.js" for name in (*SCRIPTS, "theme", "plotly")]
    return sum((folder / name).stat().st_size for name in (*names, "site.css", "page.css", "icon.svg"))


@pytest.mark.slow
@pytest.mark.parametrize("lesson", [lesson for lesson in LESSONS if LESSONS[lesson].panels])
def test_the_tables_of_a_page_leave_it_within_its_limit(lesson: str, of_every_page: int) -> None:
    tables = sum(estimated(getattr(panels, name)()) for name in PANELS[lesson])
    assert of_every_page + TEXT + tables <= MOST


@pytest.mark.exhaustive
@pytest.mark.timeout(2400)
def test_every_page_weighs_at_most_two_and_a_half_megabytes(tmp_path: Path) -> None:
    build_site(tmp_path / "site", store=Store())
    weights = {lesson: loaded_bytes(tmp_path / "site", file_name(path)) for lesson, path in notebooks().items()}
    assert max(weights.values()) <= MOST, weights
