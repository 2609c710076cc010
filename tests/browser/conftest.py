from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.lab import CHROMIUM_ARGUMENTS, ROOT, Sheet, find_chromium, start_lab


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    chromium = find_chromium()
    if chromium is None:
        text = "no Chromium found: install it (Debian: apt-get install chromium) to run the browser tests"
        if os.environ.get("CI"):
            pytest.fail(text)
        pytest.skip(text)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with copies of the lessons, to which tests add notebooks of their own."""
    folder = tmp_path_factory.mktemp("notebooks")
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        shutil.copy(notebook, folder)
    return folder


@pytest.fixture(scope="session")
def lab(workshop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with start_lab(workshop, tmp_path_factory.mktemp("lab")) as url:
        yield url


@pytest.fixture
def open_sheet(browser: object, lab: str) -> Iterator[Callable[..., Sheet]]:
    sheets: list[Sheet] = []

    def make(width: int = 1280, height: int = 1000) -> Sheet:
        sheets.append(Sheet(browser, lab, width, height))  # type: ignore[arg-type]
        return sheets[-1]

    yield make
    for sheet in sheets:
        sheet.close()
