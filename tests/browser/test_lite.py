"""JupyterLite's pages keep to their policy: what is theirs runs, and nothing else. Building them needs the network."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from helpers.course import notebooks
from helpers.publish.lite import build
from helpers.publish.lite.distribution import LOCK, Package
from tests.browser.injection import SLIPPED_IN, ran, slip_in
from tests.browser.lite import serving

pytestmark = [pytest.mark.browser, pytest.mark.exhaustive]
REFUSED = "Content Security Policy"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A site without what Pyodide brings, which is not on every machine: its kernel asks for it and gets nothing."""

    def no_files(folder: Path, source: str) -> dict[str, Package]:
        (folder / LOCK).write_text(json.dumps({"packages": {}}), encoding="utf-8")
        (folder / "pyodide.js").touch()
        return {}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "fetch", no_files)
        yield build.build_lite(tmp_path_factory.mktemp("lite") / "site").parents[1]


def test_every_page_has_a_policy(built: Path) -> None:
    pages = [path for path in built.rglob("*") if path.suffix.lower() in (".html", ".htm")]
    assert len(pages) >= 2
    assert not [page for page in pages if 'http-equiv="Content-Security-Policy"' not in page.read_text("utf-8")]


def test_jupyterlab_opens_a_lesson_and_nothing_is_refused(built: Path, browser: Browser) -> None:
    with serving(built) as url:
        page = browser.new_context().new_page()
        refused: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: refused.append(message.text) if REFUSED in message.text else None)
        page.context.on("request", lambda request: asked.append(request.url))
        page.goto(f"{url}/index.html")
        page.wait_for_url("**/lab/**")
        page.goto(f"{url}/lab/index.html?path={notebooks()['00'].name}&reset")
        page.locator(".jp-NotebookPanel:visible .jp-Cell").first.wait_for(timeout=120_000)
        page.wait_for_timeout(5000)
        assert [each for each in asked if each.endswith("pyodide.js")], "the kernel has begun"
        assert not [each for each in asked if not each.startswith((url, "blob:", "data:"))]
        assert refused == []
        page.context.close()


@pytest.mark.parametrize("script", SLIPPED_IN)
def test_a_script_slipped_in_does_not_run(built: Path, browser: Browser, tmp_path: Path, script: str) -> None:
    site = shutil.copytree(built, tmp_path / "site")
    slip_in(site / "lab/index.html", script)
    with serving(site) as url:
        found, refused = ran(browser, f"{url}/lab/index.html")
    assert found is None and refused
