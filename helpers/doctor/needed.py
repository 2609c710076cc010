"""Import the packages that the doctor needs, and say it in one line where one is missing.

The command can't do this itself: Python imports the package before it. A command ends with status 2, since Python's own
status for an error, 1, means that the network is ill.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

IS_COMMAND = sys.argv[:1] == ["-m"] or Path(sys.argv[0] if sys.argv else "").stem == "gradient-doctor"
"""Whether the command is starting; sys.argv[0] is "-m" only until Python has found the module to run."""

for name in ("numpy", "torch"):
    try:
        import_module(name)
    except (ImportError, OSError) as problem:
        words = f"gradient-doctor needs {name}, and importing it failed ({problem}): pip install {name}"
        if not IS_COMMAND:
            raise ImportError(words) from problem
        print(words, file=sys.stderr)
        raise SystemExit(2) from None
