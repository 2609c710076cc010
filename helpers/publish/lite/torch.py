"""Stands in for `torch` in the browser, where there is no PyTorch: `helpers.without_torch` explains that to users."""

from __future__ import annotations

import importlib
import sys

from helpers import without_torch

without_torch.install()
del sys.modules[__name__]
importlib.import_module(__name__)
