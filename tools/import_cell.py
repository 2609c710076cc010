"""The first code cell of every notebook: lines that find or fetch the course, and import the names that are used.

`python -m tools.normalise` writes it. Once the course is published, its address is in pyproject.toml, and the cell
fetches the course from there. The address is one that `git clone` accepts:

    [project.urls]
    Source = "https://…"
"""

from __future__ import annotations

import ast
import textwrap
import tomllib
from collections.abc import Iterable
from pathlib import Path

from helpers.notebook import NAMES
from helpers.publish.cells.running import IMPORT

PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"
WIDTH = 120
NEARBY = 'sys.path += map(os.path.abspath, ["..", *glob.glob("*/helpers/.."), *glob.glob("*/*/helpers/..")])\n'
FIND = f"""\
# This cell gets what the lesson needs. Where the course is not set up, put its folder beside this notebook.
import glob, os, sys

{NEARBY}"""
FIND_OR_FETCH = f"""\
# This cell gets what the lesson needs. Where the course is not set up, as in Colab, these lines find or fetch it.
import glob, importlib.util, os, sys

{NEARBY}\
importlib.util.find_spec("helpers") or os.system("git clone --depth=1 ADDRESS gradient-course")
sys.path.append(os.path.abspath("gradient-course"))
"""


def course_address() -> str:
    """The address at which the course is published, "" if it isn't."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    return str(project.get("urls", {}).get("Source", ""))


def head(address: str) -> str:
    """The lines that find the course, or fetch it from the address at which it is published ("" if it isn't)."""
    return FIND_OR_FETCH.replace("ADDRESS", address) if address else FIND


def import_cell(sources: Iterable[str], address: str) -> str:
    """The import cell of a notebook whose other code cells have these sources."""
    names = sorted(_wanted(sources) & set(NAMES), key=lambda name: (name.lower(), name))
    lines = textwrap.wrap(", ".join(names), WIDTH - len(IMPORT), break_long_words=False)
    return head(address) + "\n".join(IMPORT + line.rstrip(",") for line in lines)


def _wanted(sources: Iterable[str]) -> set[str]:
    """The names that cells use before they bind them."""
    wanted: set[str] = set()
    bound: set[str] = set()
    for statement in (statement for source in sources for statement in ast.parse(source).body):
        names = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
        stored = {name.id for name in names if isinstance(name.ctx, ast.Store)}
        loaded = {name.id for name in names if isinstance(name.ctx, ast.Load)}
        wanted |= loaded - bound - (set() if isinstance(statement, ast.Assign) else stored)
        bound |= stored
    return wanted
