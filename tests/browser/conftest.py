from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from helpers.publish.cells.bake import Fineness
from helpers.publish.cells.context import BuildOptions
from helpers.publish.cells.deeper import FOLDED
from helpers.publish.cells.store import Store
from helpers.publish.site.build import build_site
from tests.browser.lab import CHROMIUM_ARGUMENTS, ROOT, SharedSheet, Sheet, find_chromium, start_lab

QUICK = BuildOptions(Fineness(0.01), quick=True)
"""Experiments are not run, and a small part of the states is baked."""


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium until the last test of this folder: tests elsewhere run event loops of their own beside no other."""
    chromium = find_chromium()
    if chromium is None:
        text = "no Chromium found: install it (Debian: apt-get install chromium) to run the browser tests"
        if os.environ.get("CI"):
            pytest.fail(text)
        pytest.skip(text)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with copies of the lessons, Go deeper unfolded, to which tests add notebooks of their own."""
    folder = tmp_path_factory.mktemp("notebooks")
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            cell.metadata.pop(FOLDED, None)
        nbformat.write(notebook, folder / path.name)
    return folder


@pytest.fixture(scope="package")
def lab(workshop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with start_lab(workshop, tmp_path_factory.mktemp("lab")) as url:
        yield url


@pytest.fixture(scope="package")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """What the site and slides made with `QUICK` share: each lesson is run once, and each panel baked once."""
    return Store(tmp_path_factory.mktemp("kept"))


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory, kept: Store) -> Path:
    """The site of all lessons."""
    return build_site(tmp_path_factory.mktemp("site"), (), QUICK, kept).parent


@pytest.fixture(scope="package")
def shared_pages(browser: Browser) -> Iterator[list[Page]]:
    """The JupyterLab page that tests share, once the first of them has opened it."""
    pages: list[Page] = []
    yield pages
    for page in pages:
        page.context.close()


@pytest.fixture
def open_sheet(
    browser: Browser, lab: str, shared_pages: list[Page], request: pytest.FixtureRequest
) -> Iterator[Callable[..., Sheet]]:
    """Makes sheets: the first in the page that tests share, others and those that ask for it in a page of their own."""
    sheets: list[Sheet] = []
    failed_before = request.session.testsfailed

    def make(width: int = 1280, height: int = 1000, alone: bool = False) -> Sheet:
        if alone or sheets:
            sheets.append(Sheet(browser, lab, width, height))
        else:
            if not shared_pages:
                shared_pages.append(browser.new_context().new_page())
            sheets.append(SharedSheet(shared_pages[0], lab, width, height))
        return sheets[-1]

    yield make
    if request.session.testsfailed > failed_before and shared_pages:
        shared_pages.pop().context.close()  # who knows what stands on it
        sheets = [sheet for sheet in sheets if not isinstance(sheet, SharedSheet)]
    for sheet in sheets:
        sheet.close()
