"""A course reduced to start.py and what it stands on."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NEEDED_BY_START = [
    "start.py",
    *(f"helpers/{name}.py" for name in ("__init__", "runtime", "virtual_environment")),
    *(f"helpers/publish/{name}.py" for name in ("__init__", "access", "commands")),
]


def copy_start(folder: Path) -> None:
    """Copy start.py, and the files that it imports, into a folder."""
    for name in NEEDED_BY_START:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
