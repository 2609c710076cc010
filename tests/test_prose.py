"""The prose of lessons and questions: sources are used, layers hear and want nothing, right answers don't stand out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from helpers.course import notebooks
from helpers.publish.cells.running import read_cells

ROOT = Path(__file__).resolve().parents[1]
REWRITTEN = ("00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11")
BANKS = sorted((ROOT / "data/quiz").glob("[0-9][0-9]_*.json"))
MUCH_LONGER = 1.4

PRIVATE = re.compile(r"\b(hears?|heard|hearing)\b|[A-Z]\w+ and others\b|\bnew digits right\b|\bNot so\.")
PER_LAYER = re.compile(r"\d(?: %)? a (?:layer|block|step|neuron)\b")
CITED = re.compile(r"([A-Z][\w-]+)(?: et al\.|(?:, [A-Z][\w-]+)* and [A-Z][\w-]+)? \(?(?:19|20)\d\d\b")


def prose_of(lesson: str) -> tuple[str, str]:
    """The prose of a lesson without its sources, and the sources without those of its data."""
    texts = [cell.source for cell in read_cells(notebooks()[lesson]) if cell.kind == "markdown"]
    body, _, sources = "\n".join(texts).partition("**Source")
    return body, sources.partition("Data:")[0].partition("** ")[2]


def listed(sources: str) -> list[str]:
    """The first author of each source."""
    entries = re.split(r"(?<=\d\d\d\d\))[^*]*?(?=\. [A-Z])", sources)
    return [entry.strip(". ").split(",")[0].split(" and ")[0].split(" et al")[0] for entry in entries if "*" in entry]


@pytest.mark.parametrize("lesson", REWRITTEN)
def test_sources_listed_are_used_and_sources_used_are_listed(lesson: str) -> None:
    body, sources = prose_of(lesson)
    assert [name for name in listed(sources) if name not in body] == []
    cited = set(CITED.findall(body)) - {"After", "In", "Since", "From", "Until", "By"}
    assert sorted(name for name in cited if name not in sources) == []


def test_the_reader_of_sources_finds_first_authors() -> None:
    sources = "He and Sun, *Deep*, CVPR (2016). Cho and Saul, *Kernel*, N (2009): kinks. Ba et al., *A*, X (2015)."
    assert listed(sources) == ["He", "Cho", "Ba"]
    assert CITED.findall("found by Cho and Saul (2009), He et al. 2016 and Lin (2017)") == ["Cho", "He", "Lin"]


@pytest.mark.parametrize("lesson", REWRITTEN)
def test_layers_do_not_hear_and_factors_are_per_layer(lesson: str) -> None:
    (bank,) = (ROOT / "data/quiz").glob(f"{lesson}_*.json")
    text = prose_of(lesson)[0] + bank.read_text(encoding="utf-8")
    found = [each[0] for pattern in (PRIVATE, PER_LAYER) for each in pattern.finditer(text)]
    assert found == []


def choices(path: Path) -> list[dict[str, Any]]:
    bank = json.loads(path.read_text(encoding="utf-8"))
    return [question for question in bank if question["type"] == "multiple_choice"]


@pytest.mark.parametrize("path", BANKS, ids=lambda path: path.stem)
def test_no_right_answer_is_much_longer_than_the_others(path: Path) -> None:
    for question in choices(path):
        lengths = [len(answer["answer"]) for answer in question["answers"] if not answer["correct"]]
        (right,) = (len(answer["answer"]) for answer in question["answers"] if answer["correct"])
        assert right <= max(MUCH_LONGER * max(lengths), 20), question["id"]


def test_the_right_answer_is_the_longest_no_more_often_than_by_chance() -> None:
    questions = [question for path in BANKS for question in choices(path)]
    longest = [max(question["answers"], key=lambda answer: len(answer["answer"]))["correct"] for question in questions]
    chance = sum(1 / len(question["answers"]) for question in questions)
    assert sum(longest) <= 1.1 * chance, f"{sum(longest)} of {len(longest)}, by chance {chance:.0f}"


@pytest.mark.parametrize("path", BANKS, ids=lambda path: path.stem)
def test_right_answers_stand_at_each_place_alike(path: Path) -> None:
    places = [[answer["correct"] for answer in question["answers"]].index(True) for question in choices(path)]
    counts = [places.count(place) for place in range(max(len(question["answers"]) for question in choices(path)))]
    assert max(counts) - min(counts) <= 1, counts


@pytest.mark.parametrize("extreme", [max, min], ids=["longest", "shortest"])
def test_the_length_of_an_answer_does_not_tell_whether_it_is_right(extreme: Callable[[list[int]], int]) -> None:
    chances: dict[str, list[float]] = {path.stem: [] for path in BANKS}
    for bank, question in ((path.stem, question) for path in BANKS for question in choices(path)):
        lengths = [len(answer["answer"]) for answer in question["answers"]]
        (right,) = (len(answer["answer"]) for answer in question["answers"] if answer["correct"])
        chances[bank].append(lengths.count(extreme(lengths)) ** -1 if right == extreme(lengths) else 0)
    assert [bank for bank, found in chances.items() if sum(found) > 0.4 * len(found)] == []
    found = sum(chances.values(), [])
    assert sum(found) <= 0.3 * len(found), f"{sum(found):.1f} of {len(found)}"
