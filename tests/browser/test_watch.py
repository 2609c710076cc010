"""The page that `watch` saves, opened as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from helpers.doctor import watch
from tests.browser.lab import Sheet

pytestmark = pytest.mark.browser


def test_a_saved_training_opens_without_network_and_shows_another_quantity(browser: Any, tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(model, every=1, show=False) as monitor:
        for _ in range(4):
            optimizer.zero_grad()
            cross_entropy(model(torch.ones(2, 6)), torch.tensor([0, 2])).backward()
            optimizer.step()
    address = monitor.save(tmp_path / "training.html").as_uri()
    sheet = Sheet(browser, "")
    try:
        sheet.page.goto(address)
        sheet.page.locator(".heatmaplayer image").first.wait_for(timeout=30_000)
        assert "‖∂L/∂W‖" in (sheet.page.locator(".gtitle").text_content() or "")
        sheet.page.locator(".updatemenu-header").click()
        sheet.page.locator(".updatemenu-dropdown-button", has_text="dead units").click()
        sheet.page.wait_for_function("document.querySelector('.gtitle').textContent.includes('dead units')")
        assert sheet.outside == [address] and not sheet.console
        sheet.page.screenshot(path=tmp_path / "training.png")
    finally:
        sheet.close()
