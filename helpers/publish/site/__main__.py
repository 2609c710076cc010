"""`python -m helpers.publish.site --to FOLDER`: the course as a static site."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from helpers.course import NOTEBOOKS
from helpers.publish.options import add_making_options
from helpers.publish.site.build import SiteError, Wish, build_site


def main(arguments: list[str]) -> int:
    """Build the site that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python start.py site", description="All lessons as pages without a kernel.")
    parser.add_argument("--to", type=Path, default=NOTEBOOKS.parent / "site", metavar="FOLDER", help="where to write")
    parser.add_argument("--lesson", action="append", default=[], metavar="NN", help="only this lesson; may be repeated")
    add_making_options(parser)
    chosen = parser.parse_args(arguments)
    began = time.monotonic()
    try:
        wish = Wish(chosen.to.resolve(), tuple(chosen.lesson), chosen.fineness, chosen.quick)
        page = build_site(wish)
    except SiteError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"The site is ready after {time.monotonic() - began:.0f} s: open {page}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
