"""The addresses at which the course is published, if any are given in pyproject.toml or on the command line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

PYPROJECT = Path(__file__).resolve().parents[3] / "pyproject.toml"
KEYS = {"Homepage": "site", "Source": "source", "JupyterLite": "lite"}
"""The names read from `[project.urls]`, and the fields of `Addresses` that they set."""

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
        """The services on which a notebook can be run in the browser: name and address of each."""
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
    """The addresses under `[project.urls]`; none where the file doesn't exist or has no such table."""
    if not pyproject.is_file():
        return Addresses()
    urls = tomllib.loads(pyproject.read_text(encoding="utf-8")).get("project", {}).get("urls", {})
    return Addresses(**{field: urls[key] for key, field in KEYS.items() if key in urls})
