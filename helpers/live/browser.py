"""The browser's half of `LiveFigure` as one script: anywidget carries one file, and so does a page without a kernel."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
PLOTLY = HERE / "plotly" / "plotly-cartesian.min.js"
"""plotly.js with the traces of the plane alone: a third of the file that the plotly package ships, and of its version.

`python -m tools.renew_plotly` brings the one of another version.
"""
TRACES = frozenset({"bar", "heatmap", "scatter"})
"""The traces that the course draws; all of them are in the file."""

MODULES = (
    *("rows", "states", "paths", "plotly", "axes", "overlay", "picture"),
    *("net", "pixels", "looks", "drawing", "strip"),
    *("live", "ipywidgets", "jupyter"),
)
"""From low to high: a module imports only from those before it."""

_IMPORT = re.compile(r'^import \{[^}]*\} from "[./\w]+\.js";\n', re.MULTILINE)
_BLOCK = r"/\*\*(?:(?!\*/).)*\*/"
_COMMENT = re.compile(rf"^ *(?:{_BLOCK}|//[^\n]*)\n|{_BLOCK} ?", re.MULTILINE | re.DOTALL)


@cache
def script() -> str:
    """All modules as one, without the imports among them, and without comments: every figure sends it to the page."""
    return joined(*(HERE / f"{name}.js" for name in MODULES))


def joined(*modules: Path) -> str:
    """Modules as one, each after those that it imports from."""
    return _COMMENT.sub("", "\n".join(_IMPORT.sub("", path.read_text(encoding="utf-8")) for path in modules))


def style() -> str:
    """The style sheet of live figures."""
    return (HERE / "live.css").read_text(encoding="utf-8")
