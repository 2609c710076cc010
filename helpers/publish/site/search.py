"""The index for the search field: terms of the glossary, and sections of the lessons as plain text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from helpers.course import LESSONS
from helpers.publish.cells.running import read_cells
from helpers.publish.glossary import Term
from helpers.publish.site.frame import GLOSSARY
from helpers.publish.site.pages import term_id
from helpers.publish.site.sections import plain_text, sections_of
from helpers.publish.site.wording import for_page


def search_index(sources: Mapping[str, Path], terms: Sequence[Term], pages: Mapping[str, str]) -> str:
    """The index as a script, since a page opened from disk may load no other files; `search.js` describes its form."""
    index = {
        "terms": [[term.term, term.meaning, f"{GLOSSARY}#{term_id(term)}"] for term in terms],
        "lessons": {lesson: LESSONS[lesson].title for lesson in sources},
        "sections": [
            [lesson, f"{pages[lesson]}#{section.id}", plain_text(section.title), plain_text(section.text)]
            for lesson, path in sources.items()
            for section in sections_of(list(for_page(lesson, read_cells(path))))
        ],
    }
    text = json.dumps(index, separators=(",", ":"), ensure_ascii=True)
    return f"globalThis.courseIndex={text};\n"
