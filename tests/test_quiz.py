"""Banks, keys, grading and predictions, apart from any display."""

from __future__ import annotations

import contextlib
import json
import math
import shutil

import jsonschema
import pytest
from hypothesis import example, given, settings

from helpers import course, quiz
from helpers.quiz import Answer, BankError, Prediction, Question, compare_prediction, grade, load_bank, read_number
from helpers.quiz.schema import whole_schema
from tests.quiz_examples import ANYTHING

SCHEMA = json.loads((quiz.BANKS / "schema.json").read_text(encoding="utf-8"))

LESSONS = quiz.available_lessons()


def banked():
    """Every question that ships; a bank that can't be read fails in a test of its own, below."""
    for lesson in LESSONS:
        with contextlib.suppress(BankError):
            yield from (pytest.param(lesson, question, id=question.id) for question in load_bank(lesson))


BANKED = list(banked())

CHOICE = {
    "id": "07-choice",
    "type": "multiple_choice",
    "question": "Which?",
    "answers": [
        {"answer": "this", "correct": True, "feedback": "yes"},
        {"answer": "that", "correct": False, "feedback": "no", "try": {"depth": 3}},
    ],
}
NUMERIC = {
    "id": "07-number",
    "type": "numeric",
    "question": "How much?",
    "tolerance": 0.01,
    "answers": [
        {
            "value": 0.25,
            "key": "slope",
            "arguments": {"activation": "sigmoid", "z": 0},
            "correct": True,
            "feedback": "y",
        },
        {"range": [1, 2], "correct": False, "feedback": "between"},
        {"type": "default", "feedback": "other"},
    ],
}


@pytest.fixture
def folder(tmp_path):
    """A folder of banks of our own, with the real schema."""
    shutil.copy(quiz.BANKS / "schema.json", tmp_path)

    def write(*questions):
        (tmp_path / "07_test.json").write_text(json.dumps(questions), encoding="utf-8")
        return tmp_path

    write(CHOICE, NUMERIC)
    return tmp_path


def changed(entry, **fields):
    """A deep copy with some fields replaced; None removes one."""
    copy = json.loads(json.dumps(entry))
    copy.update(fields)
    return {name: value for name, value in copy.items() if value is not None}


def with_answer(entry, place, **fields):
    answers = json.loads(json.dumps(entry["answers"]))
    answers[place] = changed(answers[place], **fields)
    return changed(entry, answers=answers)


def put(folder, *questions):
    (folder / "07_test.json").write_text(json.dumps(questions), encoding="utf-8")


# Banks that ship -----------------------------------------------------------------------------------------------------


def test_schema_is_a_schema():
    jsonschema.Draft7Validator.check_schema(json.loads((quiz.BANKS / "schema.json").read_text(encoding="utf-8")))
    jsonschema.Draft7Validator.check_schema(whole_schema(SCHEMA, "bank"))


def test_first_lesson_has_a_bank():
    assert "01" in LESSONS and set(LESSONS) <= set(course.LESSONS)


@pytest.mark.parametrize("lesson", LESSONS)
def test_bank_has_twelve_questions_and_no_tell(lesson):
    bank = load_bank(lesson)
    assert len(bank) >= 12
    assert len({question.type for question in bank}) >= 3
    choices = [question for question in bank if question.type == "multiple_choice"]
    places = [[answer.correct for answer in question.presented()].index(True) for question in choices]
    longest = [max(question.answers, key=lambda answer: len(answer.text)).correct for question in choices]
    if len(choices) >= 4:
        assert max(places.count(place) for place in places) <= 0.6 * len(places), "the right one stands at one place"
        assert sum(longest) <= 0.6 * len(longest), "the right answer is mostly the longest"


@pytest.mark.parametrize("lesson", LESSONS)
def test_bank_is_valid_by_an_independent_validator(lesson):
    for path in quiz.BANKS.glob(f"{lesson}_*.json"):
        jsonschema.Draft7Validator(whole_schema(SCHEMA, "bank")).validate(json.loads(path.read_text("utf-8")))


@pytest.mark.parametrize("lesson, question", BANKED)
def test_every_answer_has_feedback_of_its_own(lesson, question):
    feedback = [answer.feedback for answer in question.answers]
    assert all(len(text) > 20 for text in feedback)
    assert len(set(feedback)) == len(feedback)


@pytest.mark.parametrize("lesson, question", [p for p in BANKED if p.values[1].type in ("multiple_choice", "numeric")])
def test_every_answer_can_be_given(lesson, question):
    """Each choice gets its own feedback, and so does each number: none is hidden behind another one."""
    for answer in question.answers:
        if answer.default:
            assert grade(question, -9.87654321e77).feedback == answer.feedback
            continue
        given_answer = answer.text if question.type == "multiple_choice" else answer.number()
        if answer.range is not None:
            given_answer = sum(answer.range) / 2
        result = grade(question, given_answer)
        assert result.understood and result.feedback == answer.feedback and result.correct == answer.correct


@pytest.mark.parametrize("lesson, question", BANKED)
def test_written_values_agree_with_computed_keys(lesson, question):
    """What other readers of the bank see as the value is taken as that answer here too."""
    for answer in question.answers:
        if answer.key is not None and answer.value is not None:
            result = grade(question, answer.value)
            assert result.feedback == answer.feedback
            rounding = max(0.02, (question.tolerance or 0) / 2)
            assert math.isclose(answer.number(), answer.value, rel_tol=rounding)


# Keys ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key, arguments, expected, tolerance",
    [
        ("largest_slope", {"activation": "sigmoid"}, 0.25, 1e-9),
        ("largest_slope", {"activation": "gelu"}, 1.128904, 1e-6),
        ("largest_slope", {"activation": "silu"}, 1.099839, 1e-6),
        ("slope", {"activation": "tanh", "z": 1.0}, 1 - math.tanh(1.0) ** 2, 1e-12),
        ("power", {"base": 0.25, "exponent": 10}, 9.5367431640625e-07, 1e-12),
        ("mean_square_slope", {"activation": "sigmoid"}, 0.044836, 2e-5),
        ("per_layer_factor", {"activation": "sigmoid", "weight_variance": 1 / 3}, 0.1414, 1e-3),
        ("per_layer_factor", {"activation": "relu", "weight_variance": 1, "layers": 2}, 0.5, 1e-6),
        ("critical_gain", {"activation": "sigmoid"}, 10.149, 1e-4),
        ("chain", {"activation": "sigmoid", "depth": 20}, 0.25**20, 1e-12),
        ("chain", {"activation": "relu", "depth": 3, "weight": 0.5, "preactivation": 1}, 0.125, 1e-12),
        ("steps", {"gradient": 1e-9}, 1e8, 1e-9),
        ("zero_depth", {"factor": 0.5}, 150, 0),
        ("zero_depth", {"factor": 0.25, "dtype": "float64"}, 538, 0),
    ],
)
def test_keys(key, arguments, expected, tolerance):
    assert quiz.compute_key(key, **arguments) == pytest.approx(expected, rel=tolerance, abs=0)


def test_unknown_key_lists_all():
    with pytest.raises(ValueError, match="critical_gain.*'nope'"):
        quiz.compute_key("nope")


# Errors of loading ---------------------------------------------------------------------------------------------------


def test_loads_a_good_bank_by_number_and_by_name(folder):
    by_number, by_name = load_bank("07", folder), load_bank("07_test", folder)
    assert by_number == by_name
    assert [question.id for question in by_number] == ["07-choice", "07-number"]
    assert by_number[0].answers[1].try_state == {"depth": 3}


@pytest.mark.parametrize(
    "entry, words",
    [
        (changed(CHOICE, type=None), ["question 2 (07-choice)", "type"]),
        (changed(CHOICE, type="essay"), ["question 2 (07-choice)", "field type", "multiple_choice"]),
        (changed(CHOICE, hint="x"), ["question 2 (07-choice)", "hint"]),
        (changed(CHOICE, id="choice"), ["question 2", "field id"]),
        (changed(CHOICE, id="08-choice"), ["question 2", "field id", "07-"]),
        (changed(CHOICE, id="07-number"), ["question 2", "field id", "twice"]),
        (changed(CHOICE, question="  "), ["question 2 (07-choice)", "field question"]),
        (with_answer(CHOICE, 1, feedback=None), ["question 2 (07-choice)", "answers[1]", "feedback"]),
        (with_answer(CHOICE, 1, feedback=""), ["question 2 (07-choice)", "field answers[1].feedback"]),
        (with_answer(CHOICE, 1, correct=True), ["question 2 (07-choice)", "field answers", "2 of them are correct"]),
        (with_answer(CHOICE, 0, correct=False), ["question 2 (07-choice)", "field answers", "0 of them are correct"]),
        (with_answer(CHOICE, 1, answer="this"), ["question 2 (07-choice)", "same text"]),
        (with_answer(CHOICE, 1, **{"try": {"Depth of it": 1}}), ["question 2 (07-choice)", "answers[1].try"]),
        (with_answer(NUMERIC, 0, key="nope"), ["question 2", "answers[0].key", "'nope'", "critical_gain"]),
        (with_answer(NUMERIC, 0, arguments={"z": 0}), ["question 2", "answers[0].arguments", "activation"]),
        (with_answer(NUMERIC, 0, arguments={"activation": "x", "z": 0}), ["answers[0].arguments", "'x'", "sigmoid"]),
        (with_answer(NUMERIC, 0, value="0.25"), ["question 2", "field answers[0].value", "number"]),
        (with_answer(NUMERIC, 0, correct=False), ["question 2", "field answers", "none of them is correct"]),
        (with_answer(NUMERIC, 1, range=[2, 1]), ["question 2", "answers[1].range", "rise"]),
        (with_answer(NUMERIC, 1, value=1), ["question 2", "answers[1]", "one of value or key, range"]),
        (with_answer(NUMERIC, 2, type=None), ["question 2", "field answers", "default"]),
        (7, ["question 2", "object"]),
    ],
)
def test_a_bad_question_is_named_with_file_question_and_field(folder, entry, words):
    if isinstance(entry, dict) and entry.get("type") == "numeric":
        entry = changed(entry, id="07-second")
    first = NUMERIC if not (isinstance(entry, dict) and entry.get("id") == "07-second") else CHOICE
    put(folder, first, entry)
    with pytest.raises(BankError) as caught:
        load_bank("07", folder)
    for word in ["07_test.json", *words]:
        assert word in str(caught.value)
    assert len(str(caught.value)) < 1000


LINES = """[
  {
    "id": "07-choice",
    "type": "multiple_choice",
    "question": "Which?",
    "answers": [
      {"answer": "this", "correct": true, "feedback": "yes"},
      {"answer": "that", "correct": false, "feedback": "no"}
    ]
  }
]
"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"yes"},', '"yes"}', ["line 7, column 61", "a comma is missing here", '{"answer": "this"']),
        ('"Which?",', '"Which?"', ["line 5, column 25", "a comma is missing here", '"question": "Which?"']),
        ('"no"}', '"no"},', ["line 8, column 61", "a comma before ] where nothing follows", '{"answer": "that"']),
        ("    ]\n  }", "    ],\n  }", ["line 9, column 6", "a comma before } where nothing follows", "],"]),
        ('"Which?"', "“Which?”", ["line 5, column 17", "“ is a typographic quotation mark"]),
        ('"Which?"', "'Which?'", ["line 5, column 17", "double quotation marks"]),
        ('    "type"', '    // a choice\n    "type"', ["line 4, column 5", "no comments", "// a choice"]),
        ('    "type"', '    # a choice\n    "type"', ["line 4, column 5", "no comments", "# a choice"]),
        ('"Which?",', '"Which?,', ["line 5, column 25", "isn't closed on its line"]),
        ("  }\n]", "  }", ["ends in the middle"]),
        ("true", "True", ["line 7, column 37", "True is unknown to JSON, which writes true, false and null"]),
        ("]\n", "]\n]\n", ["line 12, column 1", "this ] closes nothing that is open"]),
    ],
)
def test_what_is_no_json_is_named_with_line_column_and_text(folder, old, new, words):
    text = new.join(LINES.rsplit(old, 1)) if old == "]\n" else LINES.replace(old, new, 1)
    (folder / "07_test.json").write_text(text, encoding="utf-8")
    with pytest.raises(BankError) as caught:
        load_bank("07", folder)
    for word in ["07_test.json, line", *words]:
        assert word in str(caught.value)
    assert "git" not in str(caught.value), "that would throw away what a teacher wrote"


def test_a_byte_order_mark_does_no_harm(folder):
    (folder / "07_test.json").write_bytes(LINES.encode("utf-8-sig"))
    assert [question.id for question in load_bank("07", folder)] == ["07-choice"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (LINES.encode("utf-16"), "is saved as UTF-16: save the file as UTF-8"),
        (LINES.replace("Which?", "Weiß?").encode("latin-1"), "line 5, column 21: byte 0xdf is not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b"{}", "line 1, column 1: an object, { … } stands where a list, [ … ] belongs"),
    ],
)
def test_other_damage_is_named(folder, content, words):
    (folder / "07_test.json").write_bytes(content)
    with pytest.raises(BankError) as caught:
        load_bank("07", folder)
    assert words in str(caught.value) and "07_test.json" in str(caught.value) and "git" not in str(caught.value)


@pytest.fixture
def own_folder(folder, monkeypatch):
    """The folder of the course's own banks."""
    monkeypatch.setattr("helpers.quiz.banks.BANKS", folder)
    return folder


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"definitions": {"bank": {"type": 3}}}'])
def test_a_damaged_schema_names_file_and_remedy(own_folder, content):
    (own_folder / "schema.json").write_bytes(content)
    with pytest.raises(BankError, match=r"schema\.json is (damaged|empty).*git checkout -- data/quiz/schema\.json"):
        load_bank("07", own_folder)


def test_an_empty_bank_of_the_course_is_restored_and_one_of_somebody_elses_is_not(own_folder, tmp_path):
    (own_folder / "07_test.json").write_text(" \n")
    with pytest.raises(BankError, match=r"07_test\.json is empty.*git checkout -- data/quiz/07_test\.json"):
        load_bank("07", own_folder)
    shutil.copytree(own_folder, tmp_path / "mine")
    with pytest.raises(BankError) as caught:
        load_bank("07", tmp_path / "mine")
    assert "is empty" in str(caught.value) and "git" not in str(caught.value)


@pytest.mark.parametrize("lesson, remedy", [("07_gone", "data/quiz/07_gone.json"), ("09", "data/quiz"), ("", "07")])
def test_a_missing_bank_says_what_to_do(own_folder, lesson, remedy):
    with pytest.raises(BankError, match="git checkout") as caught:
        load_bank(lesson, own_folder)
    assert remedy in str(caught.value)


def test_names_lead_nowhere_else(folder):
    with pytest.raises(BankError):
        load_bank("../07", folder)


# Grading -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, number",
    [
        ("1e-6", 1e-6),
        (" 1E-6 ", 1e-6),
        ("1×10^-6", 1e-6),
        ("1 x 10^-6", 1e-6),
        ("1*10**-6", 1e-6),
        ("2.5·10⁻⁶", 2.5e-6),
        ("10^-6", 1e-6),
        ("10⁻⁶", 1e-6),
        ("0.25^10", 0.25**10),
        ("2⁻¹⁴⁹", 2.0**-149),
        ("1/4", 0.25),
        ("-1/4", -0.25),
        ("0,25", 0.25),
        ("12,5", 12.5),
        ("0,250", 0.25),
        ("−3", -3.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("25 %", 0.25),
        ("1 000", 1000.0),
    ],
)
def test_ways_to_write_a_number(text, number):
    assert read_number(text) == pytest.approx(number, rel=1e-14)


@pytest.mark.parametrize(
    "thing, words",
    [
        ("", "Write a number first"),
        ("abc", "“abc” is not a number"),
        ("1e999", "finite"),
        (math.inf, "finite"),
        (math.nan, "finite"),
        (10**400, "finite"),
        ("1/0", "divides by zero"),
        ("0^-1", "divides by zero"),
        ("-8^0.5", "finite"),
        ("10^10^10", "not a number"),
        ("9^99999", "finite"),
        ("1,000", "decimal comma"),
        ("1.000,5", "decimal comma"),
        ("1,2,3", "decimal comma"),
        ("1" * 201, "longer than 200"),
        (None, "one number"),
        (True, "one number"),
        ([1], "one number"),
        (1j, "one number"),
    ],
)
def test_what_is_no_number_gets_a_sentence(thing, words):
    with pytest.raises(ValueError, match=words):
        read_number(thing)


def test_unit_may_stand_behind_the_number():
    assert read_number("25 %", unit="%") == 25
    assert read_number("3 steps", unit="steps") == 3


def question_of(*answers, kind="numeric", **fields):
    return Question("07-x", kind, "?", answers, **fields)


RIGHT = Answer("right", correct=True, value=1e-6)
OTHER = Answer("other", default=True)


def test_tolerance_is_relative_and_precision_counts_digits():
    near = question_of(RIGHT, OTHER, tolerance=0.05)
    assert grade(near, "1.049e-6").correct and not grade(near, "1.051e-6").correct
    digits = question_of(Answer("right", correct=True, value=0.0563137), OTHER, precision=3)
    assert grade(digits, "0.0563").correct and grade(digits, 0.05634).correct and not grade(digits, "0.056").correct
    exact = question_of(RIGHT, OTHER)
    assert grade(exact, 1e-6 * (1 + 1e-12)).correct and not grade(exact, 1.001e-6).correct


def test_range_takes_its_lower_end_only():
    ranged = question_of(Answer("in", correct=True, range=(1.0, 2.0)), OTHER)
    assert [grade(ranged, x).correct for x in (0.999, 1, 1.999, 2)] == [False, True, True, False]


def test_zero_as_a_key_takes_zero_only():
    zero = question_of(Answer("nothing", correct=True, value=0.0), OTHER, tolerance=0.05)
    assert grade(zero, "0").correct and grade(zero, "-0.0").correct and not grade(zero, 1e-300).correct


@settings(max_examples=400, deadline=None)
@given(thing=ANYTHING)
@example(thing="__import__('os').system('false')")
@example(thing="\ud800")
@example(thing="1e" + "9" * 150)
@example(thing="9" * 99 + "^" + "9" * 99)
def test_grading_is_total(thing):
    questions = [
        question_of(RIGHT, OTHER, tolerance=0.05, unit="%"),
        question_of(RIGHT, OTHER, precision=3),
        question_of(Answer("a", correct=True, text="a"), Answer("b", text="b"), kind="multiple_choice"),
    ]
    for question in questions:
        result = grade(question, thing)
        assert isinstance(result.correct, bool) and result.feedback
        assert result.understood or not result.correct
        assert len(result.feedback) < 200


class Trap(str):
    """A text that would notice if it were run, formatted or compared by code of its own."""

    def __format__(self, spec):
        raise AssertionError("formatted")


def test_nothing_is_evaluated(monkeypatch):
    monkeypatch.setattr("builtins.eval", lambda *a, **k: pytest.fail("eval"))
    monkeypatch.setattr("builtins.exec", lambda *a, **k: pytest.fail("exec"))
    for text in ("2+2", "1 if True else 0", "(1).__class__", "{0.__class__}", Trap("1e-6")):
        grade(question_of(RIGHT, OTHER), text)
    assert not grade(question_of(Answer("4", correct=True, value=4.0), OTHER), "2+2").correct


# Predictions ---------------------------------------------------------------------------------------------------------


def test_shipped_predictions_load():
    predictions = quiz.load_predictions()
    assert {"01", "02", "03"} <= set(predictions)
    assert predictions["02"].type == "order"


def test_predictions_that_are_wrong_are_named(folder):
    bad = [{"id": "01", "type": "scale", "question": "?", "outcome": "o", "low": 2, "high": 1}]
    (folder / "predictions.json").write_text(json.dumps(bad))
    with pytest.raises(BankError, match=r"predictions\.json, line 1, column 72, question 1 \(01\), field low"):
        quiz.load_predictions(folder)
    (folder / "predictions.json").write_text(json.dumps([changed(bad[0], low=None)]))
    with pytest.raises(BankError, match=r"predictions\.json.*low"):
        quiz.load_predictions(folder)


SCALE = Prediction("01", "scale", "?", "Measured", low=-20, high=0)
ORDER = Prediction("02", "order", "?", "Slopes", options=("a", "b", "c"))
SLOPES = {"a": 0.25, "b": 1.0, "c": 1.0}


@pytest.mark.parametrize(
    "given, close, words",
    [
        (1e-3, False, "You said 0.001. Measured: 9.1e-13. Your number was 9.0 powers of ten too large."),
        (1e-12, True, "Well predicted."),
        (2.5e-12, True, "Close: your number was 2.7 times too large."),
        (2e-13, False, "4.6 times too small"),
        (None, None, "skipped the prediction"),
        ("?", None, "could not be read"),
    ],
)
def test_a_number_is_set_against_the_measurement(given, close, words):
    comparison = compare_prediction(SCALE, given, 9.1e-13)
    assert comparison.close is close and words in comparison.sentence


@pytest.mark.parametrize(
    "given, close, words",
    [
        ("10", True, "You said 10 layers. Passed: 9.5 layers. Well predicted."),
        ("10 layers", True, "Well predicted."),
        ("20", False, "You said 20 layers. Passed: 9.5 layers. Your number was 2.1 times too large."),
        ("0", False, "You said 0 layers. Passed: 9.5 layers. Compare the two."),
        ("many", None, "Passed: 9.5 layers. What you predicted could not be read."),
    ],
)
def test_a_plain_number_is_judged_more_strictly_than_a_power_of_ten(given, close, words):
    prediction = Prediction("07-length", "number", "?", "Passed", unit="layers")
    comparison = compare_prediction(prediction, given, 9.5)
    assert comparison.close is close and comparison.sentence.endswith(words), comparison.sentence


def test_zero_measured_is_compared_too():
    assert compare_prediction(SCALE, 1e-3, 0.0).close is False
    assert compare_prediction(SCALE, 0.0, 0.0).close is True


def test_order_allows_either_of_equals():
    assert compare_prediction(ORDER, ["b", "c", "a"], SLOPES).close is True
    assert compare_prediction(ORDER, ["c", "b", "a"], SLOPES).close is True
    wrong = compare_prediction(ORDER, ["a", "b", "c"], SLOPES)
    assert wrong.close is False and "You put a before b." in wrong.sentence
    assert compare_prediction(ORDER, ["a"], SLOPES).close is None


def test_choice_is_set_against_the_truth():
    choice = Prediction("03", "choice", "?", "It does", options=("vanish", "stay"))
    assert compare_prediction(choice, "stay", "stay").close is True
    assert "It does: stay." in compare_prediction(choice, "vanish", "stay").sentence
    with pytest.raises(ValueError, match="'03'.*vanish, stay"):
        compare_prediction(choice, "stay", "explode")


@pytest.mark.parametrize("prediction, outcome", [(SCALE, math.nan), (SCALE, "x"), (ORDER, {"a": 1}), (ORDER, 3)])
def test_an_outcome_that_does_not_fit_is_refused(prediction, outcome):
    with pytest.raises(ValueError, match=f"outcome of prediction '{prediction.id}'"):
        compare_prediction(prediction, None, outcome)


@settings(max_examples=200, deadline=None)
@given(thing=ANYTHING)
def test_comparing_is_total_in_what_was_kept(thing):
    assert compare_prediction(SCALE, thing, 0.5).sentence
    assert compare_prediction(ORDER, thing, SLOPES).sentence


@pytest.mark.parametrize(
    "number, text",
    [
        (0, "0"),
        (0.25, "0.25"),
        (12, "12"),
        (9.1e-13, "9.1e-13"),
        (1e-13, "1e-13"),
        (99.9, "100"),
        (1234.5, "1234"),
        (123456, "1.2e5"),
        (-3e-7, "-3e-7"),
        (0.001, "0.001"),
    ],
)
def test_numbers_in_sentences(number, text):
    assert quiz.format_number(number) == text
