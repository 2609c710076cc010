"""Goes into the browser as `torch`: there is no PyTorch, and who asks for it is told so by `helpers.without_torch`."""

from __future__ import annotations

import importlib
import sys

from helpers import without_torch

without_torch.install()
del sys.modules[__name__]
importlib.import_module(__name__)
