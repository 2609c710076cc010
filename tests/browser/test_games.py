"""A game that plays live: its buttons, an interrupt of the kernel, and what is left when its page is closed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.lab import Sheet, write_notebook

pytestmark = pytest.mark.browser
CELL = "from helpers import panels\nview = panels.digits_game()\nview.limit, view.patience = 10**9, 3.0\nview"
STATE = """async ([id, code]) => {
  const kernel = window.jupyterapp.serviceManager.kernels.connectTo({ model: { id, name: "python3" } });
  const future = kernel.requestExecute({ code });
  let out = "";
  future.onIOPub = (message) => { out += message.content.text ?? ""; };
  await future.done;
  return out.trim(); }"""
KERNEL = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"


def press(sheet: Sheet, label: str) -> None:
    sheet.page.get_by_role("button", name=label, exact=True).click()


def rounds(sheet: Sheet) -> int:
    return int(sheet.page.locator(".live-figure").inner_text().split("Round ")[1].split(",")[0])


def wait_for_rounds(sheet: Sheet, more_than: int) -> None:
    sheet.page.wait_for_function(
        """least => Number(document.querySelector('.live-figure').innerText.match(/Round (\\d+)/)?.[1]) > least""",
        arg=more_than,
        timeout=60_000,
    )


def wait_for_rest(sheet: Sheet) -> int:
    """Wait until the button says Start and the same round has stood there for a second; that round.

    The last picture may come after the button's label.
    """
    sheet.page.get_by_role("button", name="Start", exact=True).wait_for(timeout=30_000)
    for _ in range(10):
        at = rounds(sheet)
        sheet.page.wait_for_timeout(1000)
        if rounds(sheet) == at:
            return at
    raise AssertionError(f"The game plays on at round {rounds(sheet)} though its button says Start.")


def test_a_game_is_started_paused_interrupted_reset_and_left(
    open_sheet: Callable[..., Sheet], workshop: Path, lab: str
) -> None:
    write_notebook(workshop / "game.ipynb", CELL)
    sheet = open_sheet(alone=True)
    sheet.open("game.ipynb")
    sheet.run_all()
    sheet.wait_for_rest()
    assert rounds(sheet) == 0
    press(sheet, "Start")
    wait_for_rounds(sheet, 20)
    press(sheet, "Pause")
    paused = wait_for_rest(sheet)
    press(sheet, "Start")
    wait_for_rounds(sheet, paused)
    sheet.page.wait_for_timeout(4000)  # longer than its patience: while the page answers it plays on
    assert sheet.page.get_by_role("button", name="Pause", exact=True).count() == 1
    sheet.page.evaluate(f"async () => await ({KERNEL})().interrupt()")
    assert wait_for_rest(sheet) > paused
    press(sheet, "Reset")
    sheet.page.wait_for_function("() => document.querySelector('.live-figure').innerText.includes('Round 0,')")
    press(sheet, "Start")
    wait_for_rounds(sheet, 20)
    kernel = sheet.page.evaluate(f"() => ({KERNEL})().id")
    assert not sheet.console
    sheet.close()

    other = open_sheet(alone=True)
    other.page.goto(f"{lab}/lab")
    other.page.wait_for_function("() => window.jupyterapp?.serviceManager?.isReady")
    question = [kernel, "print(view.running, view.game.rounds)"]
    ends = time.monotonic() + 60
    while (running := other.page.evaluate(STATE, question)).startswith("True") and time.monotonic() < ends:
        other.page.wait_for_timeout(500)
    running, at = running.split()
    assert running == "False" and int(at) > 20
    other.page.wait_for_timeout(1000)
    assert other.page.evaluate(STATE, question) == f"False {at}"
