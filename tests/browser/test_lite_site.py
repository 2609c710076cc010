"""The course in JupyterLite, with the picture; JUPYTERLITE names the folder that `start.py lite` wrote."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from helpers.course import notebooks
from tests.browser.lite import serving, visit

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.exhaustive]
SITE = os.environ.get("JUPYTERLITE")


@pytest.mark.timeout(1200)
@pytest.mark.skipif(not SITE, reason="JUPYTERLITE doesn't name a built site, which takes Pyodide's files")
@pytest.mark.parametrize("lesson", ["00", "03"])
def test_a_lesson_runs_and_its_picture_follows_and_plays(browser: Any, tmp_path: Path, lesson: str) -> None:
    with serving(Path(SITE or "")) as url:
        seen = visit(browser, url, notebooks()[lesson].name, tmp_path / f"{lesson}.png")
    print(seen, tmp_path)
    assert seen.wrong == []
    assert seen.sliders > 0 and seen.unmoved == 0
    assert seen.pictures > 0 and seen.still == 0
