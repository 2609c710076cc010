"""The shared package behind the notebooks of *Where did the gradient go?*

Compute, figures and widgets are three layers. Import the module you want: `from helpers.network import NetworkSpec`.
"""

from __future__ import annotations

import os

# The engine multiplies many small matrices. Two threads on one of them spend more time waiting than computing.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
