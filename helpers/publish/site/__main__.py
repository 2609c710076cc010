"""`python -m helpers.publish.site --to FOLDER`: the course as a static site."""

from __future__ import annotations

import sys
import time

from helpers.publish import commands
from helpers.publish.cells.bake import Fineness
from helpers.publish.cells.context import BuildOptions
from helpers.publish.cells.running import NotebookError
from helpers.publish.cells.store import Store
from helpers.publish.folder import FolderError
from helpers.publish.site.build import SiteError, build_site


def main(arguments: list[str]) -> int:
    """Build the site that the command line asks for."""
    chosen = commands.read("site", arguments)
    began = time.monotonic()
    try:
        options = BuildOptions(Fineness(chosen.part), chosen.quick)
        page = build_site(chosen.to, chosen.lesson, options, Store(fresh=chosen.fresh))
    except (SiteError, FolderError, NotebookError) as error:
        print(f"site: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nsite: Stopped. {chosen.to} is as it was before.", file=sys.stderr)
        return 130
    print(f"The site is ready after {time.monotonic() - began:.0f} s: open {page}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
