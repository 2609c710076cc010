"""Several answers, orders, open questions, hidden networks, and questions that a seed varies."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from helpers import quiz
from helpers.network import NetworkSpec, gradient_profile
from helpers.publish.cells import widgets
from helpers.publish.commands import EXPORTS
from helpers.quiz import BankError, Question, another, grade, instantiate, load_bank
from helpers.quiz.instances import build
from helpers.quiz.questions import register
from helpers.quiz.schema import whole_schema
from tests.quiz_examples import ANYTHING, MANY, OF_EACH_TYPE, OPEN, ORDERING, PROFILE, TEMPLATE

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = json.loads((quiz.BANKS / "schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., tuple[Question, ...]]:
    """Write entries as the bank of lesson 07 and load it."""
    shutil.copy(quiz.BANKS / "schema.json", tmp_path)

    def written(*entries: Any) -> tuple[Question, ...]:
        (tmp_path / "07_test.json").write_text(json.dumps(entries), encoding="utf-8")
        return load_bank("07", tmp_path)

    return written


def test_each_type_loads_and_is_valid_by_an_independent_validator(load: Callable[..., tuple[Question, ...]]) -> None:
    questions = load(*OF_EACH_TYPE)
    assert {question.type for question in questions} == set(quiz.TYPES) == {entry["type"] for entry in OF_EACH_TYPE}
    jsonschema.Draft7Validator(whole_schema(SCHEMA, "bank")).validate(list(OF_EACH_TYPE))


@pytest.mark.parametrize("entry", OF_EACH_TYPE, ids=lambda entry: entry["type"])
def test_the_right_answer_is_graded_right(entry: dict[str, Any]) -> None:
    for seed in range(20):
        question = build(entry, seed)
        result = grade(question, question.right_answer())
        assert result.understood and result.correct and result.fraction == 1 and result.feedback


def with_part(entry: dict[str, Any], name: str, place: int, **fields: Any) -> dict[str, Any]:
    """A copy of an entry with one of its answers changed; None removes a field."""
    copy: dict[str, Any] = json.loads(json.dumps(entry))
    copy[name][place].update(fields)
    copy[name][place] = {field: value for field, value in copy[name][place].items() if value is not None}
    return copy


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (with_part(MANY, "answers", 0, feedback=""), ["(07-many)", "field answers[0].feedback"]),
        ({**MANY, "answers": MANY["answers"][:2]}, ["(07-many)", "field answers", "2 of 2 are correct"]),
        ({**MANY, "answers": MANY["answers"][2:]}, ["(07-many)", "field answers", "0 of 2 are correct"]),
        (with_part(MANY, "answers", 1, answer="sigmoid"), ["(07-many)", "field answers", "same text"]),
        ({**ORDERING, "feedback": None}, ["(07-order)", "field feedback"]),
        ({**ORDERING, "answers": ORDERING["answers"][:2]}, ["(07-order)", "field answers", "3"]),
        ({**ORDERING, "answers": ORDERING["answers"][2:] + ORDERING["answers"][:2]}, ["(07-order)", "rise, or fall"]),
        (with_part(ORDERING, "answers", 2, key="nope"), ["(07-order)", "field answers[2].key", "'nope'"]),
        (with_part(OPEN, "rubric", 1, point=None), ["(07-open)", "field rubric[1]", "point"]),
        ({**OPEN, "model": " "}, ["(07-open)", "field model"]),
        ({**PROFILE, "network": {"depth": 0}}, ["(07-profile)", "field network", "depth must be"]),
        ({**PROFILE, "shows": "loss"}, ["(07-profile)", "field shows"]),
        (with_part(PROFILE, "answers", 0, network={"init": "best"}), ["(07-profile)", "field network", "'best'"]),
        (with_part(PROFILE, "answers", 0, network={"size": 3}), ["(07-profile)", "field answers[0].network"]),
        (with_part(PROFILE, "answers", 0, otherwise=None), ["(07-profile)", "field answers[0]", "otherwise"]),
        (
            {**TEMPLATE, "draw": {"depth": [5, 6]}},
            ["(07-template)", "field question", "{activation} stands for nothing"],
        ),
        (
            {**TEMPLATE, "draw": {**TEMPLATE["draw"], "leak": [1, 2]}},
            ["(07-template)", "field draw.leak", "nothing uses it"],
        ),
        ({**TEMPLATE, "draw": {**TEMPLATE["draw"], "depth": [5]}}, ["(07-template)", "field draw.depth"]),
        (with_part(TEMPLATE, "answers", 0, arguments={"depth": 3}), ["(07-template)", "field answers", "activation"]),
    ],
)
def test_what_is_wrong_is_named_with_file_question_and_field(
    load: Callable[..., tuple[Question, ...]], entry: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(BankError) as caught:
        load(entry)
    for word in ["07_test.json", "question 1", *words]:
        assert word in str(caught.value)
    assert len(str(caught.value)) < 1000


# The registry --------------------------------------------------------------------------------------------------------

TABLES = [
    "helpers.lesson.inputs",
    "helpers.publish.exports.presented",
    "helpers.publish.cells.widgets",
    *(f"helpers.publish.exports.{name}" for name in EXPORTS if name != "anki"),  # Anki follows `presented`
]
"""Where each type of question has a handler, apart from its own file."""


def in_a_new_process(program: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    there = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run([sys.executable, "-c", program], cwd=folder, env=there, capture_output=True, encoding="utf-8")


@pytest.mark.parametrize("module", ["helpers.lesson", "helpers.publish.exports", "helpers.publish.cells.widgets"])
def test_a_type_that_a_table_has_forgotten_ends_the_import(module: str) -> None:
    done = in_a_new_process(
        "from dataclasses import replace; from helpers.quiz.questions import TYPES, register; import helpers.quiz; "
        f"register(replace(TYPES['open'], name='essay')); import {module}"
    )
    last = done.stderr.strip().splitlines()[-1]
    assert re.fullmatch(r"LookupError: helpers/[a-z/]+\.py has nothing for question type 'essay'", last), done.stderr


def test_each_table_is_checked_when_its_module_is_imported() -> None:
    done = in_a_new_process(
        "import helpers.quiz as quiz; asked = set()\n"
        "quiz.for_each_type = lambda purpose, handlers: asked.add(purpose) or handlers\n"
        f"import {', '.join(TABLES)}; print(sorted(asked))"
    )
    assert done.stdout.strip() == str(sorted(f"{module.replace('.', '/')}.py" for module in TABLES)), done.stderr


def test_every_file_in_types_registers_one_type() -> None:
    folder = Path(quiz.__file__).parent / "types"
    assert {path.stem for path in folder.glob("*.py")} - {"__init__"} == set(quiz.TYPES)


def test_a_file_in_types_that_registers_nothing_ends_the_import(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "helpers", tmp_path / "helpers", ignore=shutil.ignore_patterns("__pycache__", "publish"))
    shutil.copytree(ROOT / "data", tmp_path / "data")
    (tmp_path / "helpers/quiz/types/essay.py").write_text("")
    done = in_a_new_process("import helpers.quiz", tmp_path)
    assert "ImportError: helpers/quiz/types/essay.py registers no type of question" in done.stderr


def test_a_table_that_names_an_unknown_type_is_refused() -> None:
    with pytest.raises(LookupError, match="here.py names question type 'essay'; there are "):
        quiz.for_each_type("here.py", {**quiz.TYPES, "essay": None})
    with pytest.raises(LookupError, match="here.py has nothing for prediction type 'scale'"):
        quiz.for_each_prediction("here.py", {"choice": 1, "order": 2, "number": 3})
    with pytest.raises(ValueError, match="'open' is registered already"):
        register(quiz.TYPES["open"])


def test_no_file_but_tables_and_types_tells_questions_apart_by_their_type() -> None:
    """A string in quotes that names a type stands only where handlers are declared."""
    names = re.compile("|".join(f'"{name}"' for name in sorted(quiz.TYPES)))
    root = Path(quiz.__file__).resolve().parents[1]
    allowed = {root.parent / f"{module.replace('.', '/')}.py" for module in TABLES}
    allowed |= set((root / "quiz" / "types").glob("*.py"))
    using = {path for path in root.rglob("*.py") if re.search(r"question\.type (==|!=|in)", path.read_text("utf-8"))}
    naming = {
        path
        for path in root.rglob("*.py")
        for found in names.findall(path.read_text("utf-8"))
        if found not in ('"open"', '"profile"')  # words with other meanings elsewhere
    }
    assert using == set() and naming <= allowed


def test_grading_js_has_the_graders_that_pages_name() -> None:
    source = (Path(widgets.__file__).parent / "grading.js").read_text(encoding="utf-8")
    declared = re.search(r"const graders = \{(.*?)\}", source)
    assert declared and {part.split(":")[0].strip() for part in declared[1].split(",")} == set(widgets.GRADERS.values())


# Several answers -----------------------------------------------------------------------------------------------------


def test_a_multiple_answer_names_what_is_wrong_and_what_is_missing() -> None:
    result = grade(build(MANY), ["tanh", "GELU"])
    assert not result.correct and result.wrong == ("GELU",) and result.missing == ("sigmoid",)
    assert result.fraction == 0.5 and result.try_state == {"z": 1}
    assert result.feedback == (
        "Not this one: “GELU”. It reaches 1.129.\nMissing: “sigmoid”. Its slope is at most a quarter."
    )


def test_a_multiple_answer_may_be_given_by_places_and_in_any_order() -> None:
    question = build(MANY)
    assert grade(question, [1, 0]).correct and grade(question, ("tanh", "sigmoid", "sigmoid")).correct
    assert grade(question, ["sigmoid"]).missing == ("tanh",)
    for none in ([], ["ReLU"], [4], [-1], [True], "sigmoid", None):
        assert not grade(question, none).understood


# Orders --------------------------------------------------------------------------------------------------------------


def test_a_wrong_order_says_what_belongs_where_it_first_goes_wrong() -> None:
    result = grade(build(ORDERING), ["sigmoid", "gelu", "tanh", "selu"])
    assert not result.correct and result.feedback == "Place 2 belongs to “tanh”. tanh comes here."
    assert result.fraction == 5 / 6 and result.try_state == {"z": 1}


def test_an_order_is_presented_mixed_and_the_same_each_time() -> None:
    question = build(ORDERING)
    assert question.presented() == build(ORDERING).presented() != question.answers
    assert sorted(answer.text for answer in question.presented()) == ["gelu", "selu", "sigmoid", "tanh"]


# Open questions ------------------------------------------------------------------------------------------------------


def test_an_open_answer_is_graded_by_its_author() -> None:
    question = build(OPEN)
    written = grade(question, "Because.")
    assert written.understood and not written.correct and written.fraction == 0
    ticked = grade(question, {"text": "Because.", "points": [0, 2]})
    assert ticked.fraction == pytest.approx(2 / 3) and ticked.missing == ("factors below 1",)
    assert ticked.feedback == "To add: Each factor is below 1."
    assert grade(question, {"text": "Because.", "points": [1]}).try_state == {"depth": 2}
    for none in ("", " \n", {"text": ""}, {"points": [0]}, {"text": "a", "points": [3]}, "x" * 20_000, ["a"]):
        assert not grade(question, none).understood


# Hidden networks -----------------------------------------------------------------------------------------------------


def test_a_seed_chooses_the_hidden_network_and_its_size() -> None:
    hidden = {instantiate(build(PROFILE), seed).network for seed in range(200)}
    assert {(spec.init, spec.depth, spec.width) for spec in hidden if spec} == {
        (init, depth, width)
        for init in ("he_normal", "xavier_normal", "pytorch_default")
        for depth in (12, 20)
        for width in (32, 48)
    }


def test_the_profile_is_what_the_engine_measures_on_the_hidden_network() -> None:
    question = build(PROFILE, seed=1)
    mean, (low, high) = quiz.profile_curve(question)
    assert question.network
    expected = gradient_profile(question.network).log10_signal
    np.testing.assert_allclose(mean, expected.mean(axis=0))
    np.testing.assert_allclose([low, high], [expected.min(axis=0), expected.max(axis=0)])
    with pytest.raises(ValueError, match="'07-many'.*profile"):
        quiz.profile_curve(build(MANY))


def test_a_text_that_is_nothing_but_a_drawn_name_stays_a_text() -> None:
    question = build(with_part({**PROFILE, "question": "{depth}"}, "answers", 0, answer="{width}"))
    assert question.text in ("12", "20") and question.answers[0].text in ("32", "48")
    assert question.answers[0].try_state["depth"] in (12, 20)


def test_pytorchs_default_comes_with_its_biases() -> None:
    networks = [answer.network for answer in build(PROFILE).answers]
    assert [spec.bias_std > 0 for spec in networks if isinstance(spec, NetworkSpec)] == [False, False, True]


def test_each_choice_is_told_apart_by_its_feedback() -> None:
    for seed in range(20):
        question = build(PROFILE, seed)
        results = [grade(question, answer.text) for answer in question.answers]
        assert sum(result.correct for result in results) == 1
        for result, answer in zip(results, question.answers, strict=True):
            shown = "shows itself." if answer.correct else "would look different."
            assert result.feedback.startswith(f"{answer.text} {shown} Layer 1 divided by the last layer: ")
            assert ("in the network you chose" in result.feedback) is not answer.correct
            assert result.try_state == {"depth": question.network.depth if question.network else 0}


# Seeds ---------------------------------------------------------------------------------------------------------------


def test_what_is_drawn_stands_in_text_key_feedback_and_state() -> None:
    seen = set()
    for seed in range(100):
        question = instantiate(build(TEMPLATE), seed)
        right, other, default = question.answers
        depth, weight = right.arguments["depth"], right.arguments["weight"]
        slope = {"sigmoid": 0.2217129, "tanh": 0.6347396}[right.arguments["activation"]]
        assert right.number() == pytest.approx((weight * slope) ** depth, rel=1e-5)
        name = {"sigmoid": "sigmoid", "tanh": "tanh at 0"}[right.arguments["activation"]]
        assert question.text.startswith(f"{depth} neurons of {name}, weight {weight}.")
        assert right.feedback == f"One factor a neuron, {depth} of them: {quiz.format_number(right.number() or 0)}."
        assert f"but {quiz.format_number(right.number() or 0)} is" in other.feedback
        assert other.try_state == {"weight": weight} and default.feedback.startswith(f"Multiply {depth} ")
        assert grade(question, right.number()).correct and not grade(question, other.number()).correct
        seen.add((depth, weight, name))
    assert len(seen) == 18


def test_the_same_seed_makes_the_same_question_and_others_stay_as_they_are() -> None:
    template = build(TEMPLATE)
    assert template.varies and instantiate(template, 7) == instantiate(instantiate(template, 3), 7)
    assert instantiate(template, 0) == template
    fixed = build(MANY)
    other = instantiate(fixed, 7)
    assert not fixed.varies and (other.text, other.answers, other.seed) == (fixed.text, fixed.answers, 7)
    assert len({instantiate(fixed, seed).order for seed in range(100)}) == 24, "each order of four answers"


@pytest.mark.parametrize("entry", [PROFILE, TEMPLATE], ids=lambda entry: entry["type"])
def test_another_instance_asks_something_else(entry: dict[str, Any]) -> None:
    question = build(entry)
    for _ in range(50):
        following = another(question)
        assert following.seed > question.seed and following == instantiate(question, following.seed)
        assert (following.text, following.network) != (question.text, question.network)
        question = following
    assert another(build(MANY)) == build(MANY)


# Any answer at all ---------------------------------------------------------------------------------------------------

PARTS = st.sampled_from(["sigmoid", "tanh", "gelu", "GELU", "he_normal", "selu", 0, 1, 2, True, None, -1, 1e300])
SHAPED = st.one_of(
    ANYTHING,
    st.lists(st.one_of(PARTS, ANYTHING), max_size=5),
    st.fixed_dictionaries({"text": ANYTHING, "points": st.one_of(ANYTHING, st.lists(PARTS, max_size=4))}),
)
QUESTIONS = [build(entry) for entry in OF_EACH_TYPE]


@settings(max_examples=500, deadline=None)
@given(thing=SHAPED)
@example(thing=["sigmoid", "tanh", "gelu", "selu"] * 10_000)
@example(thing={"text": "x" * 1_000_000, "points": [0]})
@example(thing={"text": "__import__('os').system('false')", "points": "__import__('os')"})
@example(thing=[["sigmoid"], {"a": 1}, np.zeros(3), float("nan")])
def test_grading_is_total_for_every_type(thing: Any) -> None:
    for question in QUESTIONS:
        result = grade(question, thing)
        assert result.feedback and isinstance(result.correct, bool) and 0 <= result.fraction <= 1
        assert result.understood or not (result.correct or result.fraction or result.try_state)
        assert result.correct == (result.fraction == 1)


SHIPPED = [question for lesson in quiz.available_lessons() for question in load_bank(lesson)]


@settings(max_examples=25, deadline=None)
@given(thing=SHAPED)
def test_every_question_that_ships_takes_any_answer(thing: Any) -> None:
    for question in SHIPPED:
        result = grade(question, thing)
        assert result.feedback and 0 <= result.fraction <= 1 and (result.understood or not result.correct)
