"""The command lines of `start.py export`, `site`, `lite`, `present`, `class`, `check` and `guide`, each declared once.

`start.py` parses them before anything is installed, so that a mistake or `--help` costs no set-up; the programs that do
the work parse them again. This module needs only the standard library.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

Command = tuple[argparse.ArgumentParser, str]
"""The parser of a command line, and the module that does the work."""

ROOT = Path(__file__).resolve().parents[2]
CALLED_FROM = "GRADIENT_COURSE_CALLED_FROM"
"""The environment variable with the folder from which `start.py` was called."""
PYODIDE_VERSION = "0.27.7"
PYODIDE = f"https://cdn.jsdelivr.net/pyodide/v{PYODIDE_VERSION}/full/"
EXPORTS = {
    "anki": "anki.apkg, a deck of cards",
    "moodle": "moodle.xml for Moodle's question bank",
    "gift": "gift.txt, which other platforms read too",
    "paper": "paper.html to print, with paper_key.html",
}
NEEDS = ("panel", "run")
EXPORT_EXAMPLES = """examples:
  python start.py export anki
  python start.py export moodle --lesson 03 --lesson 04 --to Desktop
  python start.py export paper --questions 12 --seed 7
  python start.py export paper --questions 12 --versions 3 --title "Test 2" --date "14 March"
  python start.py export paper --bank my_questions
"""
PRESENT_EXAMPLES = """examples:
  python start.py present 03
  python start.py present 03 --whole
  python start.py present 04 --panel
  python start.py present 04 --panel born_dead
  python start.py present 03 --to slides_for_the_usb_stick
"""
CLASS_EXAMPLES = """examples:
  python start.py class Desktop/exports
  python start.py class /home --lesson 03 --numbers
"""
CHECK_EXAMPLES = """examples:
  python start.py check my_questions --example
  python start.py check my_questions
"""


def export() -> Command:
    """Write the quiz questions for Anki, Moodle (XML or GIFT) or paper."""
    parser = _parser("export", export.__doc__, EXPORT_EXAMPLES)
    parser.add_argument("format", choices=EXPORTS, help="what to write: " + "; ".join(EXPORTS.values()))
    _add_folder(parser, ROOT / "exports")
    _add_lessons(parser)
    parser.add_argument(
        "--bank",
        type=folder,
        metavar="FOLDER",
        help="use your own questions, a folder or one bank, instead of the course's",
    )
    parser.add_argument(
        "--seed",
        type=word,
        default="0",
        help="any word: draws questions, their numbers and the order of the options (0)",
    )
    parser.add_argument(
        "--questions", type=whole(1, 999), metavar="N", help="only N of the questions, drawn by the seed"
    )
    parser.add_argument(
        "--needs",
        action="append",
        default=[],
        choices=NEEDS,
        help="also questions that need the lesson's panel, or cells that are run; may be repeated",
    )
    paper = parser.add_argument_group("a paper")
    paper.add_argument(
        "--versions", type=whole(1, 6), metavar="N", default=1, help="versions A, B, C … at once, up to 6"
    )
    paper.add_argument("--title", default="", help="a title of your own")
    paper.add_argument("--date", default="", help="the date to print, in your own words")
    paper.add_argument("--space", type=whole(0, 200), metavar="MM", help="millimetres for working (25)")
    return parser, "helpers.publish.exports"


def site() -> Command:
    """Write all lessons as pages that need no Python: `site --to FOLDER`; with --quick no experiment is run."""
    parser = _parser("site", site.__doc__)
    _add_folder(parser, ROOT / "site")
    _add_lessons(parser)
    _add_build_options(parser)
    known = parser.add_argument_group("addresses, where pyproject.toml names none under [project.urls]")
    known.add_argument("--address", type=web_address, metavar="URL", help="where the pages will be (Homepage)")
    known.add_argument("--source", type=web_address, metavar="URL", help="the repository on GitHub (Source)")
    known.add_argument("--lite", type=web_address, metavar="URL", help="a JupyterLite of the course (JupyterLite)")
    return parser, "helpers.publish.site"


def lite() -> Command:
    """Write the course for JupyterLite, where Python runs in the browser, without PyTorch: `lite --to FOLDER`."""
    parser = _parser("lite", lite.__doc__)
    _add_folder(parser, ROOT / "lite")
    parser.add_argument(
        "--pyodide", type=address, default=PYODIDE, metavar="FOLDER", help="take Pyodide from here, not the network"
    )
    return parser, "helpers.publish.lite"


def present() -> Command:
    """Show a lesson as a short deck, as in `present 03`; with --panel its panel alone over the whole screen."""
    parser = _parser("present", present.__doc__, PRESENT_EXAMPLES)
    parser.add_argument("lesson", type=lesson, help="the lesson's number, such as 03")
    parser.add_argument(
        "--whole", action="store_true", help="the whole lesson, cell by cell, in place of the short deck"
    )
    parser.add_argument("--panel", nargs="?", const="", metavar="NAME", help="a panel alone, with a live kernel")
    _add_folder(parser, None, "only write the slides into this folder")
    parser.add_argument("--port", type=port_number, help="where to listen on this machine")
    parser.add_argument("--no-browser", dest="browser", action="store_false", help="open no browser, print the address")
    _add_build_options(parser)
    return parser, "helpers.publish.present"


def classroom() -> Command:
    """Write what a class knows, from its records and exports, which are only read: `class FOLDER`."""
    parser = _parser("class", classroom.__doc__, CLASS_EXAMPLES)
    parser.add_argument("folders", nargs="+", type=folder, metavar="FOLDER", help="a folder with records or exports")
    _add_folder(parser, ROOT / "class")
    _add_lessons(parser)
    parser.add_argument("--numbers", action="store_true", help="number the learners instead of naming them")
    return parser, "helpers.publish.classroom"


def check() -> Command:
    """Check question banks of your own; with --example it writes a bank with a question of each type to copy."""
    parser = _parser("check", check.__doc__, CHECK_EXAMPLES)
    parser.add_argument("folder", type=folder, metavar="FOLDER", help="a folder with banks, or one bank")
    parser.add_argument("--example", action="store_true", help="write 03_example.json into the folder")
    return parser, "helpers.publish.check_bank"


def guide() -> Command:
    """Write the teacher's guide, one page to print: `guide --to FOLDER`."""
    parser = _parser("guide", guide.__doc__)
    _add_folder(parser, ROOT / "guide")
    _add_lessons(parser)
    return parser, "helpers.publish.guide"


WORDS: Mapping[str, Callable[[], Command]] = {
    "export": export,
    "site": site,
    "lite": lite,
    "present": present,
    "class": classroom,
    "check": check,
    "guide": guide,
}
"""The commands that `start.py` passes on; each docstring is the command's help."""


def read(word: str, arguments: list[str]) -> argparse.Namespace:
    """Parse a command line; a mistake in it ends the program with a sentence."""
    return WORDS[word]()[0].parse_args(arguments)


def lesson(text: str) -> str:
    """The number of a lesson with two digits: 3 is 03."""
    return word(text).zfill(2)


def word(text: str) -> str:
    """A text that isn't empty, without the spaces around it."""
    if not text.strip():
        raise argparse.ArgumentTypeError("nothing is given: name one, or leave the option out")
    return text.strip()


def whole(low: int, high: int) -> Callable[[str], int]:
    """A reader of whole numbers from `low` to `high`."""

    def read(text: str) -> int:
        if not re.fullmatch(r"-?\d{1,9}", text) or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not possible: give a whole number from {low} to {high}")
        return int(text)

    return read


def folder(text: str) -> Path:
    """A folder, relative to where `start.py` was called; the programs that it starts run in the course's folder."""
    return Path(os.environ.get(CALLED_FROM, ""), text).resolve()


def address(text: str) -> str | Path:
    """An http address, unchanged, or a folder."""
    return text if text.startswith(("https://", "http://")) else folder(text)


def web_address(text: str) -> str:
    """An address that begins with https:// or http://."""
    if not text.startswith(("https://", "http://")):
        raise argparse.ArgumentTypeError(f"{text!r} is not a web address: it must begin with https:// or http://")
    return text


def port_number(text: str) -> int:
    """A port from 1 to 65535."""
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: give a number from 1 to 65535")
    return int(text)


def part(text: str) -> float:
    """A share of the states, from 0 to 1."""
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share of states: give a number from 0 to 1, such as 0.1")
    return share


def _parser(word: str, description: str | None, examples: str = "") -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        f"python start.py {word}",
        description=description,
        epilog=examples,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_folder(parser: argparse.ArgumentParser, default: Path | None, help: str = "where to write") -> None:
    parser.add_argument("--to", type=folder, default=default, metavar="FOLDER", help=help)


def _add_lessons(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--lesson", type=lesson, action="append", default=[], metavar="NN", help="only this one; may be repeated"
    )


def _add_build_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="run no experiments; show the texts stored in notebooks")
    parser.add_argument(
        "--part", type=part, default=1.0, metavar="SHARE", help="bake only this share of states (0 to 1)"
    )
    parser.add_argument("--fresh", action="store_true", help="run and bake everything again, even if it is stored")
