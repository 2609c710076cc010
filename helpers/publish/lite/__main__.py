"""`python -m helpers.publish.lite --to FOLDER`: the course as a JupyterLite site."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from helpers.publish.lite.build import LiteError, build_lite
from helpers.publish.lite.distribution import RELEASE, DistributionError
from helpers.publish.site.build import SiteError


def main(arguments: list[str]) -> int:
    """Build the site that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python start.py lite", description="The course in JupyterLite.")
    parser.add_argument("--to", type=Path, required=True, metavar="FOLDER", help="where to write")
    parser.add_argument("--pyodide", default=RELEASE, metavar="FOLDER", help=f"where Pyodide's files are ({RELEASE})")
    chosen = parser.parse_args(arguments)
    began = time.monotonic()
    try:
        page = build_lite(chosen.to.resolve(), chosen.pyodide)
    except (LiteError, DistributionError, SiteError) as error:
        print(error, file=sys.stderr)
        return 1
    size = sum(path.stat().st_size for path in chosen.to.rglob("*") if path.is_file()) / 1e6
    print(f"The site is ready after {time.monotonic() - began:.0f} s, {size:.0f} MB: {page}")
    print(f"It needs a web server: python -m http.server --directory {chosen.to}, then http://127.0.0.1:8000/lab/")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
