"""A quiz is open in the browser while the record's file can't be written: it is said at once, and nothing is lost."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from helpers.progress import FILE_NAME
from tests.browser.lab import Sheet, write_notebook

pytestmark = pytest.mark.browser
expect.set_options(timeout=30_000)  # a busy machine
QUIZ = """import os; os.environ["GRADIENT_COURSE_HOME"] = {home!r}
from helpers import lesson
lesson.quiz("01")"""
WARNING = ".lesson-warning"


def test_the_button_that_reads_an_export_says_no_number(
    open_sheet: Callable[..., Sheet], workshop: Path, tmp_path: Path
) -> None:
    """ipywidgets writes behind its name how many files are chosen, which is none as soon as they are read."""
    source = "lesson.my_data()".join((QUIZ.format(home=str(tmp_path)).removesuffix('lesson.quiz("01")'), ""))
    write_notebook(workshop / "upload.ipynb", source)
    sheet = open_sheet()
    sheet.open("upload.ipynb")
    sheet.run_all()
    button = sheet.page.locator(".widget-upload")
    expect(button).to_have_text("Read an export back")
    with sheet.page.expect_file_chooser() as chooser:
        button.click()
    chooser.value.set_files({"name": "essay.json", "mimeType": "application/json", "buffer": b"no export"})
    expect(sheet.page.locator(".lesson-verdict")).to_contain_text("Not read.")
    expect(button).to_have_text("Read an export back")


@contextlib.contextmanager
def locked(home: Path) -> Iterator[None]:
    """Another program holds the file."""
    with contextlib.closing(sqlite3.connect(home / FILE_NAME, isolation_level=None)) as blocker:
        blocker.execute("BEGIN EXCLUSIVE")
        yield
        blocker.execute("ROLLBACK")


@contextlib.contextmanager
def full(home: Path) -> Iterator[None]:
    """Not a byte is left on the disk."""
    filler = home / "filler"
    with pytest.raises(OSError, match="No space left"), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    yield
    filler.unlink()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root mounts a disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("this machine lets nobody mount a disk")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def kept(home: Path) -> list[str]:
    """The questions that have an answer in the file, in its order."""
    with contextlib.closing(sqlite3.connect(home / FILE_NAME)) as connection:
        return [name for (name,) in connection.execute("SELECT question FROM answer ORDER BY rowid")]


def answer(item: Locator) -> None:
    """Choose the first answer and have it checked."""
    item.locator("input[type=radio]").first.check()
    item.get_by_role("button", name="Check", exact=True).click()
    expect(item.locator(".lesson-verdict")).to_be_visible()


def answers_survive(sheet: Sheet, workshop: Path, home: Path, hindrance: Callable[..., object], seconds: float) -> None:
    write_notebook(workshop / "record.ipynb", QUIZ.format(home=str(home)))
    sheet.open("record.ipynb")
    sheet.run_all()
    items = sheet.page.locator(".lesson-item").filter(has=sheet.page.locator("input[type=radio]"))
    expect(items.first).to_be_visible()
    answer(items.nth(0))
    assert len(kept(home)) == 1
    with hindrance(home):  # type: ignore[attr-defined]
        began = time.monotonic()
        for number in range(1, 4):
            answer(items.nth(number))
        expect(sheet.page.locator(WARNING)).to_contain_text("last 3 entries are kept only until this kernel ends")
        expect(sheet.page.locator(WARNING)).to_be_in_viewport(ratio=1)
        if folder := os.environ.get("COURSE_PICTURES"):
            sheet.page.screenshot(path=f"{folder}/record_{hindrance.__name__}.png")
        while time.monotonic() - began < seconds:
            time.sleep(0.1)
        answer(items.nth(4))
    expect(sheet.page.locator(WARNING)).to_contain_text("Everything is written to")
    if folder := os.environ.get("COURSE_PICTURES"):
        sheet.page.screenshot(path=f"{folder}/record_{hindrance.__name__}_over.png")
    expect(sheet.page.locator(".lesson-notice")).to_contain_text("Everything is written to")
    names = kept(home)
    assert len(names) == 5 and len(set(names)) == 5
    expect(sheet.page.locator(WARNING)).to_have_count(0)
    assert not sheet.console


@pytest.mark.slow
def test_answers_given_while_the_file_is_locked_are_written_later(
    open_sheet: Callable[..., Sheet], workshop: Path, tmp_path: Path
) -> None:
    answers_survive(open_sheet(), workshop, tmp_path / "home", locked, seconds=0)


@pytest.mark.exhaustive
@pytest.mark.timeout(600)
def test_a_lock_of_twelve_seconds(open_sheet: Callable[..., Sheet], workshop: Path, tmp_path: Path) -> None:
    answers_survive(open_sheet(), workshop, tmp_path / "home", locked, seconds=12)


@pytest.mark.exhaustive
@pytest.mark.timeout(600)
def test_a_full_disk_of_a_minute(open_sheet: Callable[..., Sheet], workshop: Path, small_disk: Path) -> None:
    answers_survive(open_sheet(), workshop, small_disk, full, seconds=60)
