"""The browser's half of `LiveFigure` as one script: anywidget carries one file, and so does a page without a kernel."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
MODULES = (
    *("rows", "states", "paths", "plotly", "axes", "overlay", "picture"),
    *("net", "pixels", "looks", "drawing", "strip"),
    *("live", "jupyter"),
)
"""From low to high: a module imports only from those before it."""

_IMPORT = re.compile(r'^import \{[^}]*\} from "\./\w+\.js";\n', re.MULTILINE)
_COMMENT = re.compile(r"^ *(?:/\*\*.*?\*/|//[^\n]*)\n|/\*\* .*?\*/ ?", re.MULTILINE | re.DOTALL)


@cache
def script() -> str:
    """All modules as one, without the imports among them, and without comments: every figure sends it to the page."""
    return _COMMENT.sub("", "\n".join(_IMPORT.sub("", _read(f"{name}.js")) for name in MODULES))


def style() -> str:
    """The style sheet of live figures."""
    return _read("live.css")


def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
