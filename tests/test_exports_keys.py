"""The keys of papers, compared with the banks by what stands on the pages alone: letters, numbers, orders, pictures."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from helpers.network import gradient_profile
from helpers.publish.exports import choose, paper
from helpers.publish.exports.markup import as_html
from helpers.quiz import BANKS, NEEDS, compute_key, read_number
from helpers.quiz.instances import format_drawn, plain_value
from helpers.quiz.types.profile import network_of
from tests.html_reader import text_of
from tests.test_exports_pictures import Drawing

SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def shown(text: str) -> str:
    return text_of(paper.as_written(as_html(text)))


def filled(thing: Any, drawn: Mapping[str, Any]) -> Any:
    """A part of an entry with its drawn values, in texts as a reader sees them."""
    if isinstance(thing, Mapping):
        return {name: filled(part, drawn) for name, part in thing.items() if name != "draw"}
    if isinstance(thing, list):
        return [filled(part, drawn) for part in thing]
    alone = re.fullmatch(r"\{(\w+)\}", thing) if isinstance(thing, str) else None
    if alone:
        return plain_value(drawn[alone[1]])
    return (
        re.sub(r"\{(\w+)\}", lambda name: format_drawn(drawn.get(name[1], "")), thing)
        if isinstance(thing, str)
        else thing
    )


def entries() -> dict[str, list[dict[str, Any]]]:
    """Every question that the banks can ask, by its text on paper."""
    found: dict[str, list[dict[str, Any]]] = {}
    for bank in sorted(BANKS.glob("[0-9]*.json")):
        for entry in json.loads(bank.read_text(encoding="utf-8")):
            draw = entry.get("draw", {})
            for values in itertools.product(*draw.values()):
                whole = filled(entry, dict(zip(draw, values, strict=True)))
                found.setdefault(shown(whole["question"]), []).append(whole)
    return found


ENTRIES = entries()


def asked(section: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The entry of a question on paper, and its options by letter."""
    question = re.search(r"</div><p>(.*?)</p>", section, re.DOTALL)
    assert question, section
    text = text_of(question[1])
    options = re.findall(r'<span class="box"></span><span>([A-H])</span><span>(.*?)</span></li>', section, re.DOTALL)
    letters = {letter: text_of(option) for letter, option in options}
    for entry in ENTRIES.get(text, []) or ENTRIES[re.sub(r" \(in [^)]*\)$", "", text)]:
        if not letters or {shown(answer["answer"]) for answer in entry["answers"]} == {*letters.values()}:
            return entry, letters
    raise AssertionError(text)


def assert_right(solution: str, section: str, entry: dict[str, Any], letters: dict[str, str]) -> None:
    chosen = [letters[letter] for letter in solution.split(", ")] if letters else []
    match entry["type"]:
        case "multiple_choice" | "many_choice":
            assert {*chosen} == {shown(answer["answer"]) for answer in entry["answers"] if answer["correct"]}
        case "ordering":
            assert chosen == [shown(answer["answer"]) for answer in entry["answers"]]
        case "profile":
            assert chosen == [shown(entry["answers"][nearest(section, entry)]["answer"])]
        case "numeric":
            assert_number(solution, entry)
        case _:
            assert solution == "–"


def nearest(section: str, entry: dict[str, Any]) -> int:
    """The place of the network whose curve is nearest to the picture on the paper."""
    picture = re.search(r"<svg.*?</svg>", section, re.DOTALL)
    assert picture
    drawn = [value for _, value in Drawing(picture[0]).points("polyline")]
    apart = []
    for answer in entry["answers"]:
        profile = gradient_profile(network_of({**entry["network"], **answer["network"]}))
        values = profile.log10_signal if entry.get("shows", "signal") == "signal" else profile.log10_weight_gradient
        mean = np.where(np.isfinite(values), values, np.nan).mean(axis=0)
        apart.append(float(np.abs(mean[np.isfinite(mean)][-len(drawn) :] - drawn).mean()))
    return int(np.argmin(apart))


def assert_number(solution: str, entry: dict[str, Any]) -> None:
    answer = next(answer for answer in entry["answers"] if answer.get("correct"))
    written = re.sub(r"(?:(\S+)\u00a0×\u00a0)?10([⁻⁰¹²³⁴-⁹]+)", _power, solution.removeprefix("from "))
    number = re.match(r"-?[\d.]+(?:e-?\d+)?", written)
    assert number, (entry["id"], solution)
    if "range" in answer:
        assert read_number(number[0]) == pytest.approx(answer["range"][0])
        return
    right = compute_key(answer["key"], **answer["arguments"]) if "key" in answer else answer["value"]
    assert read_number(number[0]) == pytest.approx(right, rel=entry.get("tolerance", 0.01)), (entry["id"], solution)


def _power(found: re.Match[str]) -> str:
    return f"{found[1] or 1}e{found[2].translate(SUPERSCRIPTS)}"


@pytest.mark.parametrize("seed", ["0", "7b spring", "-3"])
def test_each_versions_key_is_right(seed: str) -> None:
    questions = choose(seed=seed, needs=NEEDS)
    files = {name: page.decode() for name, page in paper.files(questions, seed, paper.Layout(versions=3)).items()}
    letters_of_a_question: dict[str, set[str]] = {}
    for version in "ABC":
        page, key = files[f"paper_{version}.html"], files[f"paper_{version}_key.html"]
        sections = re.findall(r'<section class="question">(.*?)</section>', page, re.DOTALL)
        table = re.search(r'<ol class="answers">(.*?)</ol>', key)
        assert table
        solutions = [text_of(each) for each in re.findall(r"<li><b>\d+</b>(.*?)</li>", table[1])]
        for section, solution in zip(sections, solutions, strict=True):
            entry, letters = asked(section)
            assert_right(solution, section, entry, letters)
            letters_of_a_question.setdefault(entry["id"], set()).add(solution)
    assert len(letters_of_a_question) == len(questions)
    assert sum(len(each) > 1 for each in letters_of_a_question.values()) > len(questions) / 3
