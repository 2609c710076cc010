"""The files that only the pages of the site use, in addition to those shared with the slides."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from helpers.course import NOTEBOOKS

HERE = Path(__file__).parent
DATA = NOTEBOOKS.parent / "data"
OURS = ("answers.js", "answers_shown.js", "frame.js", "search.js", "search_box.js", "page.css", "icon.svg")
PICTURES = ("network.webp", "network.png")


def write_site_assets(folder: Path) -> None:
    """Write the site's own files into its assets folder."""
    for name in OURS:
        (folder / name).write_bytes((HERE / name).read_bytes())
    for name in PICTURES:
        shutil.copyfile(DATA / name, folder / name)


def write_notebooks(folder: Path, sources: Mapping[str, Path]) -> None:
    """Copy the notebooks into a new folder, to be downloaded."""
    folder.mkdir()
    for path in sources.values():
        shutil.copyfile(path, folder / path.name)
