"""Which network made this gradient profile? A seed chooses the hidden one among the answers."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from helpers.network import NetworkSpec
from helpers.quiz.faults import Fault, check_one_correct
from helpers.quiz.grading import grade_of, not_understood, place_of
from helpers.quiz.profiles import compare_networks
from helpers.quiz.questions import Answer, Grade, Question, QuestionType, register

_ANSWER = {
    "type": "object",
    "required": ["answer", "network", "feedback", "otherwise"],
    "properties": {
        "answer": {"$ref": "#/definitions/text"},
        "network": {"$ref": "#/definitions/network"},
        "feedback": {
            "description": "What gives this network away, where it is the hidden one.",
            "allOf": [{"$ref": "#/definitions/text"}],
        },
        "otherwise": {
            "description": "What would be seen if it were, where it is not.",
            "allOf": [{"$ref": "#/definitions/text"}],
        },
        "try": {"$ref": "#/definitions/try"},
    },
    "additionalProperties": False,
}


def _answers(entry: Mapping[str, Any], dice: random.Random) -> tuple[Answer, ...]:
    """The networks to choose among; the hidden one gets the feedback that says what gives it away."""
    right = dice.randrange(len(entry["answers"]))
    return tuple(
        Answer(
            feedback=answer["feedback" if place == right else "otherwise"],
            correct=place == right,
            text=answer["answer"],
            try_state=answer.get("try", {}),
            network=network_of({**entry["network"], **answer["network"]}),
        )
        for place, answer in enumerate(entry["answers"])
    )


def network_of(settings: Mapping[str, Any]) -> NetworkSpec:
    """A network with these settings; PyTorch's default also draws biases, here from N(0, 1/(3 width))."""
    spec = NetworkSpec(**settings)
    if spec.init == "pytorch_default" and "bias_std" not in settings:
        return replace(spec, bias_std=(3 * spec.width) ** -0.5)
    return spec


MOST_WORK = 2e9
"""The most multiplications for measuring a network, one or two seconds; 100 layers of 100 on 32 samples take 3e7."""


def _check(question: Question) -> None:
    check_one_correct(question)
    networks = [answer.network for answer in question.answers]
    for place, answer in enumerate(question.answers):
        spec = answer.network
        assert spec is not None, "each answer has one"
        if networks.index(spec) < place:
            raise Fault(f"field answers[{place}].network: is the same network as in answers[{networks.index(spec)}]")
        if spec.depth * spec.width**2 * spec.batch * spec.seeds > MOST_WORK:
            raise Fault(f"field answers[{place}].network: {spec.depth} layers of {spec.width} take too long to measure")


def _grade(question: Question, given: object) -> Grade:
    place = place_of(question, given)
    if place is None:
        return not_understood("Choose one of the networks first.")
    return grade_of(question.answers[place], compare_networks(question, place))


def _right_answer(question: Question) -> str:
    return next(answer.text for answer in question.answers if answer.correct)


PROFILE = register(
    QuestionType(
        name="profile",
        fields={
            "required": ["draw", "network", "answers"],
            "properties": {
                "draw": {"$ref": "#/definitions/draw"},
                "shows": {
                    "description": "The norm that is drawn by layer.",
                    "enum": ["signal", "weight_gradient"],
                },
                "network": {"$ref": "#/definitions/network"},
                "answers": {"type": "array", "minItems": 3, "maxItems": 6, "items": _ANSWER},
            },
        },
        answers=_answers,
        check=_check,
        grade=_grade,
        right_answer=_right_answer,
        remark=lambda question, place: _grade(question, place).feedback,
        is_mixed=True,
        ask_again="Another network",
    )
)
