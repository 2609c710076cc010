"""Import the packages that the doctor needs, and say it in one line where one is missing.

The command can't do this itself: Python imports the package before it. A command ends with status 2, since Python's own
status for an error, 1, means that the network is ill.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import NoReturn

IS_COMMAND = sys.argv[:1] == ["-m"] or Path(sys.argv[0] if sys.argv else "").stem == "gradient-doctor"
"""Whether the command is starting; sys.argv[0] is "-m" only until Python has found the module to run."""


def _refuse(words: str, problem: Exception) -> NoReturn:
    """End a command with status 2 and one line; raise ImportError for everybody else."""
    if not IS_COMMAND:
        raise ImportError(words) from problem
    print(words, file=sys.stderr)
    raise SystemExit(2) from None


for name in ("numpy", "torch"):
    try:
        import_module(name)
    except (ImportError, OSError) as problem:
        _refuse(f"gradient-doctor needs {name}, and importing it failed ({problem}): pip install {name}", problem)

try:
    import_module("torch").zeros(1).numpy()
except RuntimeError as problem:  # PyTorch before 2.3 was built for numpy 1
    _refuse(
        "gradient-doctor needs a numpy that this PyTorch can use; PyTorch before 2.3 can't use numpy 2 "
        f'({problem}): pip install "numpy<2", or a newer torch',
        problem,
    )
