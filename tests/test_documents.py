"""Every document of the course that links to a file, or to a section of one, finds it there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.browser.lab import ROOT

DOCUMENTS = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("data/**/*.md")]
    + [ROOT / "hub/README.md", ROOT / "helpers/doctor/README.md", ROOT / "tests/exhaustive.md"]
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def sections(document: Path) -> set[str]:
    """The names under which the headings of a document are linked to: GitHub's rule for small ASCII headings."""
    text = FENCED.sub("", document.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document: Path) -> None:
    lost = []
    for target in LINK.findall(FENCED.sub("", document.read_text(encoding="utf-8"))):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, section = target.partition("#")
        path = (document.parent / name).resolve() if name else document
        if not path.exists() or (section and path.suffix == ".md" and section not in sections(path)):
            lost.append(target)
    assert not lost, f"{document.relative_to(ROOT)} links to {', '.join(lost)}"
