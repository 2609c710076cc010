"""`python -m helpers.publish.guide --to FOLDER`: the teacher's guide as one page to print."""

from __future__ import annotations

import sys

from helpers.course import notebooks
from helpers.publish import commands
from helpers.publish.folder import FolderError, write_text, written_whole
from helpers.publish.guide.page import guide_page
from helpers.publish.teacher import NotesError


def main(arguments: list[str]) -> int:
    """Write the guide to the lessons named on the command line."""
    chosen = commands.read("guide", arguments)
    every = notebooks()
    if unknown := [lesson for lesson in chosen.lesson if lesson not in every]:
        print(f"guide: There is no lesson {unknown[0]!r}: use one of {', '.join(every)}.", file=sys.stderr)
        return 1
    sources = {lesson: path for lesson, path in every.items() if not chosen.lesson or lesson in chosen.lesson}
    try:
        with written_whole(chosen.to, "python start.py guide") as draft:
            write_text(draft / "guide.html", guide_page(sources))
    except (FolderError, NotesError) as error:
        print(f"guide: {error}", file=sys.stderr)
        return 1
    print(f"The guide is ready: open {chosen.to / 'guide.html'} and print it.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
