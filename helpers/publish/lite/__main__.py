"""`python -m helpers.publish.lite --to FOLDER`: the course as a JupyterLite site."""

from __future__ import annotations

import sys
import time

from helpers.publish import commands
from helpers.publish.folder import FolderError
from helpers.publish.lite.build import LiteError, build_lite
from helpers.publish.lite.distribution import DistributionError


def main(arguments: list[str]) -> int:
    """Build the site according to the command line."""
    chosen = commands.read("lite", arguments)
    began = time.monotonic()
    try:
        page = build_lite(chosen.to, chosen.pyodide)
    except (LiteError, DistributionError, FolderError) as error:
        print(f"lite: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nlite: Stopped. {chosen.to} is as it was before.", file=sys.stderr)
        return 130
    size = sum(path.stat().st_size for path in chosen.to.rglob("*") if path.is_file()) / 1e6
    print(f"The site is ready after {time.monotonic() - began:.0f} s, {size:.0f} MB: {page}")
    print(f"It needs a web server: python -m http.server --directory {chosen.to}, then http://127.0.0.1:8000/lab/")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
