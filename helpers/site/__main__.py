"""`python -m helpers.site --to FOLDER`: the course as a static site."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from helpers.site.bake import Fineness
from helpers.site.build import SiteError, Wish, build_site


def main(arguments: list[str]) -> int:
    """Build the site that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python start.py site", description="All lessons as pages without a kernel.")
    parser.add_argument("--to", type=Path, default=Path("site"), metavar="FOLDER", help="where (default: site)")
    parser.add_argument("--lesson", action="append", default=[], metavar="NN", help="only this lesson; may be repeated")
    parser.add_argument("--quick", action="store_true", help="don't run the lessons' experiments; shows stored texts")
    parser.add_argument("--part", type=float, default=1.0, help="bake only this part of the states, from 0 to 1")
    chosen = parser.parse_args(arguments)
    if not 0 <= chosen.part <= 1:
        parser.error(f"--part is {chosen.part:g}; it must be between 0 and 1")
    began = time.monotonic()
    try:
        wish = Wish(chosen.to.resolve(), tuple(chosen.lesson), Fineness(chosen.part), chosen.quick)
        page = build_site(wish)
    except SiteError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"The site is ready after {time.monotonic() - began:.0f} s: open {page}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
