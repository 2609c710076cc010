"""Where the course is published, as far as somebody has said so: from pyproject.toml or from the command line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

PYPROJECT = Path(__file__).resolve().parents[3] / "pyproject.toml"
KEYS = {"Homepage": "site", "Source": "source", "JupyterLite": "lite"}
"""The names under `[project.urls]` that are read, and what they become."""

_GITHUB = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?")


@dataclass(frozen=True)
class Addresses:
    """The web addresses of these pages, of the repository and of a JupyterLite; "" where there is none."""

    site: str = ""
    source: str = ""
    lite: str = ""

    def of_page(self, file: str) -> str:
        """The address of a file of the site; "" where the site has none."""
        return f"{self.site.rstrip('/')}/{file}" if self.site else ""

    def to_run(self, notebook: str) -> Sequence[tuple[str, str]]:
        """Where a notebook can be run in the browser: the name of each service, and the address there."""
        found = []
        if self.lite:
            found.append(("JupyterLite", f"{self.lite.rstrip('/')}/lab/index.html?path={quote(notebook)}"))
        if repository := _GITHUB.fullmatch(self.source.rstrip("/")):
            colab = f"https://colab.research.google.com/github/{repository[1]}/blob/HEAD/notebooks/{notebook}"
            path = quote(f"lab/tree/notebooks/{notebook}", safe="")
            binder = f"https://mybinder.org/v2/gh/{repository[1]}/HEAD?urlpath={path}"
            found += [("Colab", colab), ("Binder", binder)]
        return found


def read_addresses(pyproject: Path = PYPROJECT) -> Addresses:
    """The addresses under `[project.urls]`; none where the file has no such table or isn't there."""
    if not pyproject.is_file():
        return Addresses()
    urls = tomllib.loads(pyproject.read_text(encoding="utf-8")).get("project", {}).get("urls", {})
    return Addresses(**{field: urls[key] for key, field in KEYS.items() if key in urls})
