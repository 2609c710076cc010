"""Banks that somebody got wrong: by aimed mistakes, and by thousands of random ones."""

from __future__ import annotations

import copy
import json
import math
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers import quiz
from helpers.publish import check_bank as check_bank_module
from helpers.quiz import BankError, Question, check_bank, grade, load_bank
from helpers.quiz.instances import another, build, instantiate
from tests.quiz_examples import CHOICE, MANY, OPEN, ORDERING, PROFILE, TEMPLATE

NUMBER: dict[str, Any] = {
    "id": "07-number",
    "type": "numeric",
    "question": "How much?",
    "tolerance": 0.05,
    "answers": [
        {
            "key": "slope",
            "arguments": {"activation": "sigmoid", "z": 0},
            "value": 0.25,
            "correct": True,
            "feedback": "y",
        },
        {"value": 0.5, "correct": False, "feedback": "twice"},
        {"range": [1, 2], "correct": False, "feedback": "far"},
        {"type": "default", "feedback": "other"},
    ],
}
Load = Callable[[str], tuple[Question, ...]]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load a text as the bank of lesson 07."""
    shutil.copy(quiz.BANKS / "schema.json", tmp_path)

    def loaded(text: str) -> tuple[Question, ...]:
        (tmp_path / "07_mine.json").write_text(text, encoding="utf-8", errors="surrogatepass")
        return load_bank("07", tmp_path)

    return loaded


def with_answer(entry: dict[str, Any], place: int, name: str = "answers", **fields: Any) -> dict[str, Any]:
    """A copy of an entry with one of its answers changed; None removes a field."""
    changed = copy.deepcopy(entry)
    changed[name][place].update(fields)
    changed[name][place] = {field: value for field, value in changed[name][place].items() if value is not None}
    return changed


def with_draw(**draw: Any) -> dict[str, Any]:
    return {**TEMPLATE, "draw": {**TEMPLATE["draw"], **draw}}


SUM = {
    **NUMBER,
    "question": "{a} times {b}?",
    "draw": {"a": [1, 2, 3], "b": [2, 4]},
    "answers": [
        {"key": "product", "arguments": {"first": "{a}", "second": "{b}"}, "correct": True, "feedback": "y"},
        {"key": "power", "arguments": {"base": "{a}", "exponent": "{b}"}, "correct": False, "feedback": "a power"},
        {"type": "default", "feedback": "other"},
    ],
}
"""1·2 isn't 1², but 2·2 is 2²."""

AIMED: list[tuple[str, dict[str, Any], list[str]]] = [
    ("a wrong answer with the right value", with_answer(NUMBER, 1, value=0.25), ["answers[1]", "0.25", "right"]),
    ("a wrong value within the tolerance", with_answer(NUMBER, 1, value=0.26), ["answers[1]", "0.26", "right 0.25"]),
    (
        "a wrong key that gives the right value",
        with_answer(NUMBER, 1, value=None, key="power", arguments={"base": 0.5, "exponent": 2}),
        ["answers[1]", "right"],
    ),
    (
        "a right value within a wrong one's tolerance",
        {**with_answer(NUMBER, 1, value=0.3), "tolerance": 0.18},
        ["answers[1]", "takes the right"],
    ),
    (
        "a wrong range over the right value",
        with_answer(NUMBER, 2, range=[0.1, 1]),
        ["answers[2]", "takes the right 0.25"],
    ),
    (
        "a wrong range that overlaps a right one",
        with_answer(with_answer(NUMBER, 0, key=None, arguments=None, value=None, range=[0, 0.4]), 2, range=[0.3, 2]),
        ["answers[2]", "overlaps the right range"],
    ),
    (
        "a wrong value in a right range",
        with_answer(NUMBER, 0, key=None, arguments=None, value=None, range=[0.2, 0.6]),
        ["answers[1]", "0.5", "right range"],
    ),
    ("a range that falls", with_answer(NUMBER, 2, range=[2, 1]), ["answers[2].range", "rise"]),
    ("a range of nothing", with_answer(NUMBER, 2, range=[2, 2]), ["answers[2].range", "rise"]),
    (
        "a value that contradicts its key",
        with_answer(NUMBER, 0, value=0.3),
        ["answers[0].value", "0.3", "slope", "0.25"],
    ),
    (
        "a value that its key gives for other arguments",
        with_answer(NUMBER, 0, arguments={"activation": "tanh", "z": 0}),
        ["answers[0].value", "0.25", "slope gives, 1"],
    ),
    ("a tolerance of 500 %", {**NUMBER, "tolerance": 5}, ["tolerance"]),
    ("a tolerance that takes zero", {**NUMBER, "tolerance": 1}, ["tolerance"]),
    ("no tolerance at all", {**NUMBER, "tolerance": 0}, ["tolerance"]),
    ("a precision with a point", {**NUMBER, "tolerance": 0.05, "precision": 2.0}, ["precision", "2.0"]),
    ("a right default", with_answer(NUMBER, 3, correct=True), ["answers[3].correct"]),
    ("a value near the end of floats", with_answer(NUMBER, 1, value=1.7e308), ["answers[1]", "1e+300"]),
    (
        "a key that overflows",
        with_answer(NUMBER, 1, value=None, key="power", arguments={"base": 10, "exponent": 400}),
        ["answers[1].arguments"],
    ),
    (
        "a key that divides by zero",
        with_answer(NUMBER, 1, value=None, key="ratio", arguments={"numerator": 1, "denominator": 0}),
        ["answers[1].arguments", "zero"],
    ),
    (
        "a key that is no real number",
        with_answer(NUMBER, 1, value=None, key="power", arguments={"base": -2, "exponent": 0.5}),
        ["answers[1].arguments"],
    ),
    (
        "a key that would never end",
        with_answer(NUMBER, 1, value=None, key="zero_depth", arguments={"factor": 1}),
        ["answers[1].arguments", "factor is 1"],
    ),
    (
        "a key that would take hours",
        with_answer(NUMBER, 1, value=None, key="residual_size", arguments={"blocks": 10**9, "branch": 1}),
        ["answers[1].arguments.blocks", "at most 10000"],
    ),
    ("a name in braces that nothing draws", {**NUMBER, "question": "{d} layers?"}, ["nothing is drawn", "{d}"]),
    (
        "braces in a feedback that nothing fills",
        with_answer(NUMBER, 1, feedback="It is {right}."),
        ["nothing is drawn", "{right}"],
    ),
    ("braces in a choice", with_answer(CHOICE, 0, answer="{depth} layers"), ["nothing is drawn", "{depth}"]),
    ("LaTeX", with_answer(CHOICE, 0, answer="$\\partial L$"), ["answers[0].answer", "LaTeX"]),
    ("LaTeX in parentheses", {**OPEN, "model": "It is \\(x^2\\)."}, ["field model", "LaTeX"]),
    ("numbers and texts drawn together", with_draw(depth=["a", 1]), ["draw.depth", "all numbers or all texts"]),
    (
        "numbers and said texts drawn together",
        with_draw(depth=[5, {"said": "ten", "value": "10"}]),
        ["draw.depth", "all numbers or all texts"],
    ),
    ("a drawn text where a number belongs", with_draw(depth=["five", "ten"]), ["answers[0].arguments", "drawn: “five"]),
    ("a drawn 1e308", with_draw(weight=[1, 1e308]), ["answers[0].arguments", "drawn: "]),
    (
        "a feedback with a number that there isn't",
        with_answer(TEMPLATE, 2, feedback="{depth} layers make {value}."),
        ["answers[2].feedback", "{value} stands for no number"],
    ),
    ("a drawn depth of a million", with_draw(depth=[5, 1_000_000]), ["answers[0].arguments.depth", "1000000"]),
    ("two drawn values that read alike", with_draw(weight=[0.5, 0.50001]), ["draw.weight", "'0.5'"]),
    (
        "two drawn values that are said alike",
        with_draw(activation=[{"said": "it", "value": "relu"}, {"said": "it", "value": "tanh"}]),
        ["draw.activation", "'it'"],
    ),
    (
        "a drawn name that the question doesn't hold",
        {**TEMPLATE, "question": "{depth} neurons of {activation}?"},
        ["draw.weight", "the question must name it"],
    ),
    (
        "a drawn activation that there isn't",
        with_draw(activation=[{"said": "a", "value": "relu"}, {"said": "b", "value": "rellu"}]),
        ["answers[0].arguments", "rellu"],
    ),
    (
        "too many combinations",
        with_draw(
            depth=list(range(5, 21)),
            weight=[n / 10 for n in range(5, 25)],
            activation=["relu", "tanh", "sigmoid", "gelu"],
        ),
        ["field draw", "1280 combinations"],
    ),
    ("a draw at which a wrong answer becomes right", SUM, ["answers[1]", "is wrong", "drawn: “2 times 2?”"]),
    (
        "a draw at which a wrong weight becomes right",
        with_draw(weight=[0.5, 3]),
        ["answers[1]", "is wrong", "weight 3"],
    ),
    (
        "a draw at which a network can't be",
        {**PROFILE, "draw": {"depth": [12, 0], "width": [32, 48]}},
        ["field network", "depth"],
    ),
    (
        "a network that takes hours",
        {**PROFILE, "draw": {"depth": [12, 20], "width": [32, 20_000]}},
        ["answers[0].network", "too long"],
    ),
    (
        "two choices that read alike once drawn",
        with_answer(with_answer(PROFILE, 0, answer="{width} wide"), 1, answer="32 wide"),
        ["answers", "same text"],
    ),
    (
        "an order of equal numbers",
        with_answer(ORDERING, 1, arguments={"activation": "sigmoid"}),
        ["field answers", "rise, or fall"],
    ),
    (
        "all of several answers correct",
        {**MANY, "answers": [{**each, "correct": True} for each in MANY["answers"]]},
        ["answers", "4 of 4"],
    ),
]


@pytest.mark.parametrize(("entry", "words"), [pytest.param(*case[1:], id=case[0]) for case in AIMED])
def test_an_aimed_mistake_is_refused_with_file_question_and_field(
    load: Load, entry: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(BankError) as caught:
        load(json.dumps([CHOICE | {"id": "07-first"}, entry]))
    for word in ["07_mine.json, line 1, column ", ", question 2 (", entry["id"], "field", "; the line reads: ", *words]:
        assert word in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    "entry", [NUMBER, {**SUM, "draw": {"a": [3, 5], "b": [2, 4]}}], ids=lambda entry: entry["question"]
)
def test_the_examples_are_right_before_the_mistake(load: Load, entry: dict[str, Any]) -> None:
    assert len(load(json.dumps([entry]))) == 1


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("0.5,", "NaN,", "(07-number), field answers[1].value: NaN is not a number"),
        ("0.5,", "-Infinity,", "(07-number), field answers[1].value: -Infinity is not a number"),
        ("0.5,", "1e999,", "(07-number), field answers[1].value: 1e999 is too large"),
        ("0.5,", "9" * 400 + ",", "(07-number), field answers[1].value: 999"),
        ('"tolerance"', '"id": "07-other", "tolerance"', "field id: 'id' occurs twice"),
        ('"value": 0.5', '"value": 0.5, "value": 0.6', "(07-number), field answers[1].value: 'value' occurs twice"),
        ('"correct": true', '"correct": false, "correct": true', "field answers[0].correct: 'correct' occurs twice"),
    ],
)
def test_what_json_lets_pass_is_refused_where_it_stands(load: Load, old: str, new: str, words: str) -> None:
    with pytest.raises(BankError) as caught:
        load(json.dumps([NUMBER]).replace(old, new, 1))
    assert "07_mine.json, line 1, column " in str(caught.value) and words in str(caught.value)


def test_predictions_are_read_as_carefully(tmp_path: Path) -> None:
    shutil.copy(quiz.BANKS / "schema.json", tmp_path)
    for text, words in [("[NaN]", "NaN is not a number"), ("[,]", "line 1, column 2"), ("[{}]", "question 1")]:
        (tmp_path / "predictions.json").write_text(text)
        with pytest.raises(BankError, match=f"predictions.json, .*{words}"):
            quiz.load_predictions(tmp_path)


def test_another_instance_is_given_up_where_all_seeds_ask_the_same() -> None:
    """A bank like this isn't loaded; a question made otherwise must not hang the kernel either."""
    same = build({**SUM, "question": "How much?"})
    assert another(same) is same


# Files that were saved, cut off or changed in a wrong way ------------------------------------------------------------

EXAMPLE = check_bank_module.EXAMPLE.read_text(encoding="utf-8")


def faults_of(folder: Path, content: str | bytes) -> list[str]:
    """What `start.py check` says about a bank with this content, without the path in front."""
    bank = folder / "03_mine.json"
    bank.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return [fault.removeprefix(f"{bank}") for fault in check_bank(bank)[1]]


def line_of(text: str, part: str) -> int:
    return text.count("\n", 0, text.index(part)) + 1


SLIPS: list[tuple[str, str, str, str]] = [
    ("a decimal comma", '"value": 1,', '"value": 0,25,', "with a point, as in 0.25, not with a comma"),
    ("a plus sign", '"value": 1,', '"value": +1,', "no + or needless 0 in front"),
    ("a zero in front", '"value": 1,', '"value": 05,', "no + or needless 0 in front"),
    ("no digit after the point", '"value": 1,', '"value": 5.,', "digits around the point"),
    ("no digit before the point", '"value": 1,', '"value": .5,', "digits around the point"),
    ("a per cent sign", '"tolerance": 0.01,', '"tolerance": 1 %,', "5 % is written 0.05"),
    ("Python's False", '"correct": false', '"correct": False', "False is unknown to JSON, which writes true, false"),
    ("no quotation mark at the beginning", '"numeric"', 'numeric"', "the one at its beginning is"),
    ("no quotation mark at the end", '"numeric",', '"numeric,', "a text isn't closed on its line"),
    ("a quotation mark within", "Its slope is", 'Its "slope" is', "within a text isn't written \\\""),
    ("LaTeX with one backslash", "Its slope is", "Its \\sigma is", "a backslash within a text is written twice"),
    ("a tab within", "Its slope is", "Its\tslope is", "holds a line break or tab; write \\n or \\t instead"),
    ("a name without quotation marks", '"correct": false', "correct: false", "quotation marks are missing"),
    ("no colon", '"type": "numeric"', '"type" "numeric"', "a colon is missing between a name and its value"),
    ("an equals sign", '"type": "numeric"', '"type"= "numeric"', "a colon, not an equals sign, belongs here"),
    ("a semicolon", '"numeric",', '"numeric";', "a comma, not a semicolon, belongs here"),
    ("a space that looks like one", ' "numeric"', '\u00a0"numeric"', "a character that isn't seen (U+00A0)"),
    ("a bracket too many", '"correct": false,', '"correct": false}},', "this } closes nothing that is open"),
]


@pytest.mark.parametrize(("old", "new", "words"), [pytest.param(*slip[1:], id=slip[0]) for slip in SLIPS])
def test_a_slip_of_the_pen_is_named_with_its_line_and_its_remedy(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    line = line_of(EXAMPLE, old)
    (fault,) = faults_of(tmp_path, EXAMPLE.replace(old, new, 1))
    assert fault.startswith(f", line {line}, column ")
    assert words in fault
    quoted = fault.partition("; the line reads: ")[2]
    written = EXAMPLE.replace(old, new, 1).split("\n")[line - 1]
    assert quoted and quoted.replace("\ufffd", "\u00a0") in written.replace("\t", " ")


def changed_example(question: int, *way_and_value: Any) -> tuple[str, int]:
    """The example with a value replaced, as text, and the line on which that value begins."""
    bank = json.loads(EXAMPLE)
    *way, last, value = way_and_value
    parent = bank[question]
    for step in way:
        parent = parent[step]
    parent[last] = "where is it?"
    line = line_of(json.dumps(bank, indent=1), '"where is it?"')
    parent[last] = value
    return json.dumps(bank, indent=1), line


WRONG_VALUES: list[tuple[tuple[Any, ...], str]] = [
    ((0, "answers", 1, "correct", "false"), '"false" stands where true or false belongs, without quotation marks'),
    ((0, "answers", 1, "correct", 0), "0 stands where true or false belongs"),
    ((0, "answers", 1, "answer", 0.25), '0.25 stands where a text in quotation marks belongs: write "0.25"'),
    ((0, "answers", 1, "answer", ""), "answers[1].answer: is empty: write a text"),
    ((0, "answers", 1, "answer", "sigmoid "), "has the same text as answers[0]"),
    ((0, "answers", []), "has 0 of at least 2 entries"),
    ((0, "answers", {"a": 1}), "an object, { … } stands where a list, [ … ] belongs"),
    ((0, "type", "multiple-choice"), "must be one of many_choice, multiple_choice"),
    ((0, "type", "multiple-choice"), "is multiple_choice meant?"),
    ((0, "id", "03 My question"), "as in 03-my-question"),
    ((0, "question", "x" * 1300), "has 1300 characters; at most 1200"),
    ((2, "tolerance", "1 %"), '"1 %" stands where a number belongs: write 0.01, without quotation marks'),
    ((2, "tolerance", "small"), '"small" stands where a number belongs'),
    ((2, "tolerance", -0.1), "-0.1 must be greater than 0. Relative: 0.05 takes anything within 5 %"),
    ((2, "tolerance", 0), "0 must be greater than 0"),
    ((2, "tolerance", 5), "5 must be less than 1"),
    ((2, "answers", 1, "value", "0,5"), '"0,5" stands where a number belongs: write 0.5, without quotation marks'),
    ((2, "answers", 1, "value", None), "null stands where a number belongs"),
    ((2, "answers", 2, {"value": 1, "correct": False, "feedback": "x"}), "nobody sees its feedback, since answers[1]"),
    ((2, "answers", 0, "key", "largest_slop"), "is largest_slope meant?"),
    ((3, "answers", 0, "arguments", "weight", "1"), "'1' is a text: write 1, without quotation marks"),
    ((3, "answers", 0, "arguments", "depth", "deep"), "a text stands where a number belongs"),
    ((3, "draw", "depth", [2, 2]), "holds an entry twice"),
    ((3, "question", "{deepth} neurons of {depth}?"), "field question: {deepth} stands for nothing: drawn are depth"),
    ((3, "question", "{deepth} neurons of {depth}?"), "is depth meant?"),
    ((5, "answers", 1, "network", {"init": "pytorch_default"}), "is the same network as in answers[0]"),
    ((5, "network", {"deep": 3}), "'deep' must be one of depth, width"),
    ((5, "network", {"deep": 3}), "is depth meant?"),
    ((1, "answers", 0, "try", {"Depth": 3}), "the name 'Depth' must be a word in small letters"),
]


RIGHT, WRONG, RANGE = ((2, "answers", place) for place in range(3))
CONTRADICTIONS: list[tuple[tuple[Any, ...], str]] = [
    ((*RIGHT, "value", 25), "25 is not what largest_slope gives, 0.25"),
    ((*RIGHT, "value", -0.25), "-0.25 is not what"),
    ((*RIGHT, "value", 0.26), "0.26 is not what"),
    ((*RIGHT, "value", 0), "0 is not what"),
    ((*RIGHT, "arguments", {"activation": "tanh"}), "0.25 is not what largest_slope gives, 1"),
    ((*WRONG, "value", 0.2501), "0.25 is wrong, but counts as the right 0.25"),
    ((*WRONG, "value", 0.2476), "is wrong, but counts as the right"),
    ((*RANGE, "range", [0.25, 0.3]), "is wrong, but takes the right 0.25"),
    ((*RANGE, "range", [-1, 1]), "is wrong, but takes the right 0.25"),
    ((*RANGE, "range", [0.6, 0.4]), "must rise from the first number to the second"),
    (
        (*RANGE, {"key": "product", "arguments": {"first": 0.5, "second": 0.5}, "correct": False, "feedback": "x"}),
        "is wrong",
    ),
    ((2, "tolerance", True), "true stands where a number belongs"),
    ((2, "tolerance", [0.01]), "a list, [ … ] stands where a number belongs"),
    ((2, "tolerance", 1.0), "must be less than 1"),
    ((2, "tolerance", None), "null stands where a number belongs"),
    ((3, "tolerance", 1e-12), "would need more than 6 digits to count as right"),
    ((0, "question", "How deep is {Depth}?"), "{Depth} isn't filled in"),
    ((0, "question", "How deep is { depth }?"), "{ depth } isn't filled in"),
    ((0, "answers", 0, "feedback", "As {depth2} layers."), "{depth2} isn't filled in"),
    ((6, "model", "It is {value}."), "{value}"),
    ((4, "feedback", "In {order}."), "{order}"),
    ((0, "question", "What is $x$?"), "$x$ is LaTeX"),
    ((0, "question", "What is x^{2}?"), "^{ is LaTeX"),
    ((0, "answers", 0, "answer", "\\frac{1}{2}"), "\\frac is LaTeX"),
    ((6, "rubric", 0, "point", "\\[a\\]"), "\\[ is LaTeX"),
    ((5, "answers", 0, "otherwise", "$a_1$"), "$a_1$ is LaTeX"),
    ((0, "question", "What is <b>bold</b>?"), "<b> is HTML"),
    ((0, "answers", 0, "feedback", "One<br>two."), "<br> is HTML"),
    ((0, "question", "What is **bold**?"), "**bold** is Markdown"),
    ((0, "question", "See [here](https://example.org)."), "is Markdown"),
]
"""Kinds that were silent once, each with cases of its own."""


@pytest.mark.parametrize(
    ("change", "words"), [pytest.param(*case, id=case[1][:30]) for case in WRONG_VALUES + CONTRADICTIONS]
)
def test_a_wrong_value_is_named_with_its_line_and_its_remedy(
    tmp_path: Path, change: tuple[Any, ...], words: str
) -> None:
    text, line = changed_example(*change)
    fault, *_ = faults_of(tmp_path, text)
    named = int(fault.removeprefix(", line ").partition(",")[0])
    assert words in fault and f", question {change[0] + 1} (" in fault
    assert line - 3 <= named <= line, "the value's own line, or that of the object that holds it"
    assert "; the line reads: " in fault and "git checkout" not in fault


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_another_encoding_is_named(tmp_path: Path, encoding: str) -> None:
    (fault,) = faults_of(tmp_path, EXAMPLE.encode(encoding))
    assert fault == f" is saved as {encoding[:6].upper()}: save the file as UTF-8"


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "cp437"])
def test_a_letter_of_another_encoding_is_named_with_its_line(tmp_path: Path, encoding: str) -> None:
    (fault,) = faults_of(tmp_path, EXAMPLE.replace("tanh", "größer").encode(encoding, "replace"))
    assert fault.startswith(f", line {line_of(EXAMPLE, 'tanh')}, column ")
    assert "is not UTF-8: save the file as UTF-8" in fault


@pytest.mark.parametrize(
    "content",
    [
        EXAMPLE.replace("\n", "\r\n"),
        EXAMPLE.replace("\n", "\r"),
        EXAMPLE.replace("  ", "\t"),
        EXAMPLE.encode("utf-8-sig"),
    ],
    ids=["Windows", "an old Mac", "tabs", "a byte order mark"],
)
def test_what_editors_do_to_a_file_does_no_harm(tmp_path: Path, content: str | bytes) -> None:
    assert faults_of(tmp_path, content) == []


def test_a_file_cut_off_anywhere_says_that_it_ends_in_the_middle(tmp_path: Path) -> None:
    content = EXAMPLE.encode()
    for length in range(1, len(content), 50):
        (fault,) = faults_of(tmp_path, content[:length])
        assert "git checkout" not in fault and (
            "the file ends in the middle" in fault or fault.startswith(f", line {content[:length].count(10) + 1}, ")
        )


def test_what_is_no_file_says_what_it_is(tmp_path: Path) -> None:
    bank = tmp_path / "03_mine.json"
    bank.mkdir()
    assert "it is a folder, not a file" in check_bank(bank)[1][0]
    bank.rmdir()
    bank.symlink_to("elsewhere.json")
    assert "is missing: it is a link to elsewhere.json, which isn't there" in check_bank(bank)[1][0]
    bank.unlink()
    assert "is empty" in faults_of(tmp_path, b"\0" * 100)[0]


@pytest.mark.parametrize(
    "text",
    ["It costs $5 or $6.", "`$x$` and `<b>` are code.", "a < b > c", "2 * 3 ** 2", "the set {1, 2}", "σ_w² in x_1"],
)
def test_what_only_looks_like_markup_passes(tmp_path: Path, text: str) -> None:
    assert faults_of(tmp_path, changed_example(0, "question", text)[0]) == []


def test_a_message_obeys_no_terminal(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, EXAMPLE.replace('"numeric"', '\x1b[2J"numeric"'))
    assert "\x1b" not in fault and "\ufffd[2J" in fault


# Thousands of random ones --------------------------------------------------------------------------------------------

VALUES: list[Any] = [
    None,
    True,
    False,
    "",
    " ",
    "x",
    "relu",
    0,
    1,
    -1,
    0.25,
    2.0,
    1e308,
    -1e-308,
    10**20,
    [],
    {},
    [1],
    {"a": 1},
    [[]],
    "{depth}",
    "{",
    "\ud800",
    "\0",
    "x" * 5000,
    float("nan"),
    float("inf"),
    [1, 1],
    ["a", 1],
    {"type": "default"},
]


def places(thing: Any, where: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to each part of parsed JSON."""
    yield where
    parts = thing.items() if isinstance(thing, dict) else enumerate(thing) if isinstance(thing, list) else ()
    for name, part in parts:
        yield from places(part, (*where, name))


def mutated(bank: list[dict[str, Any]], dice: random.Random) -> str:
    """The text of a bank with one thing changed: a part of its content, or some characters."""
    if dice.random() < 0.2:
        text = json.dumps(bank, indent=1, ensure_ascii=False)
        start = dice.randrange(len(text))
        return (
            text[:start]
            + dice.choice(["", "", ",", "}", '"', "//", "“", "1e999", "\n"])
            + text[start + dice.randrange(3) :]
        )
    changed = copy.deepcopy(bank)
    *way, last = dice.choice([where for where in places(changed) if where])
    parent: Any = changed
    for step in way:
        parent = parent[step]
    old = parent[last]
    match dice.randrange(5):
        case 0:
            del parent[last]
        case 1 if isinstance(parent, list):
            parent.append(copy.deepcopy(dice.choice(parent)))
        case 2 if isinstance(old, int | float):
            parent[last] = dice.choice([-old, old + 1, old * 1.01, old * 10, old * 1e300, 1 / (old or 1), not old])
        case 3:
            others = [entry for entry in bank if isinstance(entry, dict)]
            parent[last] = copy.deepcopy(dice.choice(list(dice.choice(others).values())))
        case _:
            parent[last] = dice.choice(VALUES)
    return json.dumps(changed)


def assert_sound(question: Question) -> None:
    """A question that was loaded can be asked, answered and varied, and nothing wrong counts as right."""
    for instance in (question, *(instantiate(question, seed) for seed in range(3)), another(question)):
        right = grade(instance, instance.right_answer())
        assert right.understood and right.correct
        for answer in instance.answers:
            number = answer.number()
            if number is not None and instance.type == "numeric":
                assert math.isfinite(number) and grade(instance, number).correct == answer.correct
        assert json.dumps([instance.text, *(answer.text for answer in instance.presented())])
    assert (
        not question.varies or another(question).text != question.text or another(question).network != question.network
    )


def mutate(load: Load, tries: int, seed: int) -> int:
    """Load so many mutated banks; returns how many were refused, each with its file, most with a place."""
    dice, refused = random.Random(seed), 0
    banks = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(quiz.BANKS.glob("[0-9]*.json"))]
    for _ in range(tries):
        bank = dice.choice(banks)
        few = copy.deepcopy(dice.sample(bank, 3))
        for number, entry in enumerate(few):
            entry["id"] = f"07-{number}"
        text = mutated(few, dice)
        try:
            questions = load(text)
        except BankError as error:
            refused += 1
            assert "07_mine.json" in str(error) and len(str(error)) < 1500, str(error)
            assert ", question " in str(error) or ", line " in str(error), (str(error), text)
        else:
            for question in questions:
                assert_sound(question)
    return refused


def test_a_hundred_mutated_banks_are_refused_or_sound(load: Load) -> None:
    assert 30 < mutate(load, 100, seed=1) < 95


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
def test_2400_mutated_banks_are_refused_or_sound(load: Load) -> None:
    assert mutate(load, 2400, seed=2) > 1000
