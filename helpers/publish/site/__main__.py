"""`python -m helpers.publish.site --to FOLDER`: the course as a static site."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace

from helpers.publish import commands
from helpers.publish.cells.bake import Fineness
from helpers.publish.cells.context import BuildOptions
from helpers.publish.cells.running import NotebookError
from helpers.publish.cells.store import Store
from helpers.publish.folder import FolderError
from helpers.publish.site.addresses import Addresses, read_addresses
from helpers.publish.site.build import SiteError, build_site


def addresses_of(chosen: argparse.Namespace) -> Addresses:
    """The addresses in pyproject.toml, overridden by those on the command line."""
    named = {"site": chosen.address, "source": chosen.source, "lite": chosen.lite}
    return replace(read_addresses(), **{field: address for field, address in named.items() if address})


def main(arguments: list[str]) -> int:
    """Build the site according to the command line."""
    chosen = commands.read("site", arguments)
    began = time.monotonic()
    try:
        options = BuildOptions(Fineness(chosen.part), chosen.quick)
        store = Store(fresh=chosen.fresh)
        page = build_site(chosen.to, chosen.lesson, options, store, addresses_of(chosen))
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
