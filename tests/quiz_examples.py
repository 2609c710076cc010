"""Questions of each type, and answers of every kind, for the tests of the quiz."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from helpers.quiz import Question, for_each_type

ANYTHING = st.one_of(
    st.text(max_size=300),
    st.text("0123456789.,eE+-×x*^/%⁻⁶ ", max_size=30),
    st.floats(),
    st.integers(),
    st.booleans(),
    st.none(),
    st.binary(max_size=20),
    st.complex_numbers(),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.floats(width=32).map(np.float32),
    st.integers(-5, 5).map(np.int64),
    st.just(np.zeros(3)),
    st.just(object()),
    st.just("9" * 100_000),
)

MANY: dict[str, Any] = {
    "id": "07-many",
    "type": "many_choice",
    "question": "Which of these have a slope that never exceeds 1?",
    "answers": [
        {"answer": "sigmoid", "correct": True, "feedback": "Its slope is at most a quarter."},
        {"answer": "tanh", "correct": True, "feedback": "Its slope is 1 at zero.", "try": {"z": 0}},
        {"answer": "GELU", "correct": False, "feedback": "It reaches 1.129.", "try": {"z": 1}},
        {"answer": "SELU", "correct": False, "feedback": "It reaches 1.758."},
    ],
}
ORDERING: dict[str, Any] = {
    "id": "07-order",
    "type": "ordering",
    "question": "Order by the largest slope, the smallest first.",
    "feedback": "From a quarter to 1.758.",
    "answers": [
        {
            "answer": name,
            "key": "largest_slope",
            "arguments": {"activation": name},
            "feedback": f"{name} comes here.",
            "try": {"z": place},
        }
        for place, name in enumerate(["sigmoid", "tanh", "gelu", "selu"])
    ],
}
OPEN: dict[str, Any] = {
    "id": "07-open",
    "type": "open",
    "question": "Why do gradients vanish?",
    "model": "Each layer multiplies by a factor below 1.",
    "rubric": [
        {"point": "a product", "feedback": "The chain rule multiplies.", "try": {"depth": 2}},
        {"point": "factors below 1", "feedback": "Each factor is below 1."},
        {"point": "exponential in depth", "feedback": "So it falls exponentially."},
    ],
}
PROFILE: dict[str, Any] = {
    "id": "07-profile",
    "type": "profile",
    "question": "A network of {depth} layers of {width}. Which one?",
    "draw": {"depth": [12, 20], "width": [32, 48]},
    "network": {"depth": "{depth}", "width": "{width}", "batch": 32, "seeds": 2, "activation": "relu"},
    "answers": [
        {
            "answer": init,
            "network": {"init": init},
            "feedback": f"{init} shows itself.",
            "otherwise": f"{init} would look different.",
            "try": {"depth": "{depth}"},
        }
        for init in ("he_normal", "xavier_normal", "pytorch_default")
    ],
}
TEMPLATE: dict[str, Any] = {
    "id": "07-template",
    "type": "numeric",
    "question": "{depth} neurons of {activation}, weight {weight}. By what factor does the gradient change?",
    "draw": {
        "depth": [5, 10, 20],
        "weight": [0.5, 1, 2],
        "activation": [{"said": "sigmoid", "value": "sigmoid"}, {"said": "tanh at 0", "value": "tanh"}],
    },
    "tolerance": 0.03,
    "answers": [
        {
            "key": "chain",
            "arguments": {"activation": "{activation}", "depth": "{depth}", "weight": "{weight}", "preactivation": 0.7},
            "correct": True,
            "feedback": "One factor a neuron, {depth} of them: {value}.",
        },
        {
            "key": "chain",
            "arguments": {"activation": "{activation}", "depth": "{depth}", "weight": 3, "preactivation": 0.7},
            "correct": False,
            "feedback": "{value} is for weight 3, but {right} is asked for.",
            "try": {"weight": "{weight}"},
        },
        {"type": "default", "correct": False, "feedback": "Multiply {depth} times weight by slope."},
    ],
}
CHOICE = {
    "id": "07-choice",
    "type": "multiple_choice",
    "question": "Which of these has the largest slope?",
    "answers": [
        {"answer": "sigmoid", "correct": False, "feedback": "Its slope is at most a quarter."},
        {"answer": "tanh", "correct": False, "feedback": "Its slope is at most 1.", "try": {"z": 0}},
        {"answer": "SELU", "correct": True, "feedback": "It reaches 1.758."},
    ],
}
OF_EACH_TYPE: tuple[dict[str, Any], ...] = (CHOICE, MANY, ORDERING, OPEN, PROFILE, TEMPLATE)


def _wrong_text(question: Question) -> str:
    return next(answer.text for answer in question.answers if not answer.correct)


WRONG = for_each_type(
    "tests/quiz_examples.py",
    {
        "multiple_choice": _wrong_text,
        "profile": _wrong_text,
        "many_choice": lambda question: [_wrong_text(question)],
        "numeric": lambda question: "-9.87e77",
        "ordering": lambda question: [answer.text for answer in question.answers][::-1],
        "open": lambda question: {"text": "words", "points": []},
    },
)


KINDS: Mapping[str, tuple[str, str]] = for_each_type(
    "tests/quiz_examples.py",
    {
        "multiple_choice": ("multichoice", "multichoice"),
        "many_choice": ("multichoice", "multichoice"),
        "profile": ("multichoice", "multichoice"),
        "numeric": ("numerical", "numerical"),
        "ordering": ("matching", "ordering"),
        "open": ("essay", "essay"),
    },
)
"""What each type of question is in GIFT and in Moodle."""


def wrong_answer(question: Question) -> Any:
    """Something that is understood and graded as wrong."""
    return WRONG[question.type](question)


def inside(view: Any) -> Any:
    """What a learner answers a question with: every type has controls of its own."""
    return view.input
