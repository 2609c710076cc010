"""The options that making pages and making slides have in common."""

from __future__ import annotations

import argparse

from helpers.publish.cells.bake import Fineness


def add_making_options(parser: argparse.ArgumentParser) -> None:
    """Add `--quick`, and `--part` as `fineness`."""
    parser.add_argument("--quick", action="store_true", help="don't run the lessons' experiments; shows stored texts")
    parser.add_argument(
        "--part", dest="fineness", type=_fineness, default=Fineness(), metavar="SHARE",
        help="bake only this part of the states, from 0 to 1",
    )  # fmt: skip


def _fineness(text: str) -> Fineness:
    try:
        part = float(text)
    except ValueError:
        part = -1.0
    if not 0 <= part <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no part of the states: give a number from 0 to 1, such as 0.1")
    return Fineness(part)
