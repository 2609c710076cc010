"""Keys of papers and files for other platforms, compared with the banks by what stands in them alone."""

from __future__ import annotations

import base64
import itertools
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from helpers.network import gradient_profile
from helpers.publish.exports import choose, gift, moodle, paper
from helpers.publish.exports.markup import as_html
from helpers.quiz import BANKS, NEEDS, Question, compute_key, read_number
from helpers.quiz.instances import format_drawn, plain_value
from helpers.quiz.types.profile import network_of
from tests.gift_reader import read
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
        re.sub(r"\{(\w+)\}", lambda name: format_drawn(drawn[name[1]]) if name[1] in drawn else name[0], thing)
        if isinstance(thing, str)
        else thing
    )


def entries(reader: Callable[[str], str]) -> dict[str, list[dict[str, Any]]]:
    """Every question that the banks can ask, by its text as read by `reader`."""
    found: dict[str, list[dict[str, Any]]] = {}
    for bank in sorted(BANKS.glob("[0-9]*.json")):
        for entry in json.loads(bank.read_text(encoding="utf-8")):
            draw = entry.get("draw", {})
            for values in itertools.product(*draw.values()):
                whole = filled(entry, dict(zip(draw, values, strict=True)))
                found.setdefault(reader(whole["question"]), []).append(whole)
    return found


ENTRIES = entries(shown)


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


# What other programs read --------------------------------------------------------------------------------------------


@dataclass
class ReadBack:
    """A question as another program reads it: each answer with its share of the mark in per cent and its feedback."""

    text: str
    picture: str = ""
    answers: list[tuple[str, float, str]] = field(default_factory=list)
    margins: list[float] = field(default_factory=list)
    explanation: str = ""


def from_moodle(questions: Sequence[Question]) -> dict[str, ReadBack]:
    root = ET.fromstring(moodle.document(questions))
    return {
        element.findtext("idnumber", ""): ReadBack(
            text_of(element.findtext("questiontext/text", "")),
            base64.b64decode(element.findtext("questiontext/file", "")).decode(),
            [
                (
                    text_of(answer.findtext("text", "")),
                    float(answer.get("fraction", "nan")),
                    text_of(answer.findtext("feedback/text", "")),
                )
                for answer in element.iter("answer")
            ],
            [float(each.text or "nan") for each in element.iter("tolerance")],
            text_of(element.findtext("generalfeedback/text", "")),
        )
        for element in root
        if element.get("type") != "category"
    }


def from_gift(questions: Sequence[Question]) -> dict[str, ReadBack]:
    found = {}
    for each in read(gift.document(questions)):
        data = re.search(r'src="data:image/svg\+xml;base64,([^"]*)"', each.text.text)
        general = each.general_feedback.text if each.general_feedback else ""
        found[each.id] = ReadBack(
            text_of(each.text.text),
            base64.b64decode(data[1]).decode() if data else "",
            [
                (text_of(answer.text.text) or "*", float(answer.match or answer.weight), text_of(answer.feedback.text))
                for answer in each.answers
            ],
            [answer.tolerance or 0.0 for answer in each.answers],
            text_of(general),
        )
    return found


def prose(text: str) -> str:
    return text_of(as_html(text))


@pytest.mark.parametrize("reader", [from_moodle, from_gift])
def test_what_other_programs_read_is_what_the_banks_say(
    reader: Callable[[Sequence[Question]], dict[str, ReadBack]],
) -> None:
    questions = choose(seed="7b", needs=NEEDS)
    found = reader(questions)
    banks = [entry for asked_alike in entries(prose).values() for entry in asked_alike]
    assert {*found} == {entry["id"] for entry in banks}
    assert {name[:2] for name in found} == {f"{lesson:02d}" for lesson in range(12)}
    for name, mine in found.items():
        (entry, *_) = [each for each in banks if each["id"] == name and mine.text.startswith(prose(each["question"]))]
        assert_same(mine, entry)


def assert_same(mine: ReadBack, entry: dict[str, Any]) -> None:
    """What was read back has the bank's options, right answers, tolerances, feedback, code and picture."""
    assert entry.get("code", "") in mine.text and entry.get("unit", "") in mine.text
    answers = entry.get("answers", [])
    match entry["type"]:
        case "multiple_choice" | "many_choice":
            told = {(prose(each["answer"]), each["correct"], prose(each["feedback"])) for each in answers}
            assert {(text, share > 0, feedback) for text, share, feedback in mine.answers} == told
            assert sum(max(share, 0) for _, share, _ in mine.answers) == pytest.approx(100, abs=1e-3)
        case "ordering":
            right = [text for text, _, _ in sorted(mine.answers, key=lambda each: each[1])]
            assert right == [prose(each["answer"]) for each in answers]
            assert all(prose(each["feedback"]) in mine.explanation for each in answers)
        case "profile":
            hidden = nearest(mine.picture, entry)
            for each, (text, share, feedback) in zip(answers, sorted_like(answers, mine.answers), strict=True):
                is_hidden = each is answers[hidden]
                assert (text, share) == (prose(each["answer"]), 100.0 if is_hidden else 0.0)
                assert feedback.startswith(prose(each["feedback" if is_hidden else "otherwise"]))
        case "numeric":
            assert_numbers(mine, entry)
        case "open":
            texts = [entry["model"], *(text for each in entry["rubric"] for text in (each["point"], each["feedback"]))]
            assert all(prose(text) in mine.explanation for text in texts)


def sorted_like(answers: list[dict[str, Any]], read_back: list[tuple[str, float, str]]) -> list[tuple[str, float, str]]:
    order = [prose(each["answer"]) for each in answers]
    return sorted(read_back, key=lambda each: order.index(each[0]))


def assert_numbers(mine: ReadBack, entry: dict[str, Any]) -> None:
    for answer, (number, share, feedback), margin in zip(entry["answers"], mine.answers, mine.margins, strict=True):
        assert share == (100 if answer.get("correct") else 0)
        said = prose(answer["feedback"])
        if "{" not in said:  # {value} and {right} were filled in
            assert feedback == said
        if answer.get("type") == "default":
            assert number == "*"
        elif "range" in answer:
            low, high = answer["range"]
            assert (float(number) - margin, float(number) + margin) == pytest.approx((low, high), rel=1e-3, abs=1e-9)
        else:
            value = compute_key(answer["key"], **answer["arguments"]) if "key" in answer else answer["value"]
            assert float(number) == pytest.approx(value, rel=0.02)
            if "tolerance" in entry:
                assert margin == pytest.approx(entry["tolerance"] * abs(value), rel=1e-6)
