"""The JavaScript of `LiveFigure` as one script, for anywidget and for pages without a kernel, which take one file."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
PLOTLY = HERE / "plotly" / "plotly-cartesian.min.js"
"""plotly.js with only the two-dimensional traces: a third of the file in the plotly package, in the same version.

`python -m tools.renew_plotly` replaces it by another version.
"""
TRACES = frozenset({"bar", "heatmap", "scatter"})
"""The traces that the course draws, all of which are in the file."""

MODULES = (
    *("rows", "states", "paths", "plotly", "axes", "overlay", "picture"),
    *("net", "pixels", "looks", "drawing", "strip"),
    *("live", "ipywidgets", "jupyter"),
)
"""In order: a module imports only from those before it."""

_IMPORT = re.compile(r'^import \{[^}]*\} from "[./\w]+\.js";\n', re.MULTILINE)
_BLOCK = r"/\*\*(?:(?!\*/).)*\*/"
_COMMENT = re.compile(rf"^ *(?:{_BLOCK}|//[^\n]*)\n|{_BLOCK} ?", re.MULTILINE | re.DOTALL)


@cache
def script() -> str:
    """Return all modules as one, without imports and comments, since every figure sends it to the page."""
    return joined(*(HERE / f"{name}.js" for name in MODULES))


def joined(*modules: Path) -> str:
    """Join modules into one, each after those that it imports from."""
    return _COMMENT.sub("", "\n".join(_IMPORT.sub("", path.read_text(encoding="utf-8")) for path in modules))


def style() -> str:
    """Return the style sheet of live figures."""
    return (HERE / "live.css").read_text(encoding="utf-8")
