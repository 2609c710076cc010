"""What `pip install -e` puts on Python's path: the package under its own name, with the files of the folder above."""

from __future__ import annotations

from pathlib import Path

_HOME = Path(__file__).resolve().parents[2]

__path__ = [str(_HOME)]
exec(compile((_HOME / "__init__.py").read_text(encoding="utf-8"), str(_HOME / "__init__.py"), "exec"))
