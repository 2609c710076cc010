"""`python -m tests.benchmarks [section …]`: print medians and ratios, measured in turns within one run."""

from __future__ import annotations

import argparse
import importlib
import importlib.util

SECTIONS = ("engine", "watching", "doctor", "browser", "site")
WHERE_NAMED = ("hub", "peers")  # take ten minutes; hub needs the proxy of hub/README.md, peers the torchmortem package


def main() -> None:
    """Run the sections named on the command line, or all there are."""
    present = [name for name in SECTIONS if importlib.util.find_spec(f"tests.benchmarks.{name}")]
    known = [*present, *WHERE_NAMED]
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "sections", nargs="*", metavar="section", help=f"any of: {', '.join(known)} (all but hub and peers)"
    )
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.sections) - set(known))
    if unknown:
        parser.error(f"no section {', '.join(unknown)}; there are: {', '.join(known)}")
    for name in arguments.sections or present:
        importlib.import_module(f"tests.benchmarks.{name}").main()


if __name__ == "__main__":
    main()
