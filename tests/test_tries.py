"""“Show me in the panel”: what a wrong answer says must be false in the state that it leads to."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest

from helpers import panels, quiz, theme
from helpers.quiz import Answer, Question

LINES = {
    "00": "measured",
    "01": "measured",
    "03": "measured",
    "05": "gradient",
    "06": "measured",
    "07": "measured",
    "08": "LSTM",
    "10": "before",
    "11": "yours",
}
"""The line that a lesson's main panel is about; in lesson 04 it is that of the activation in focus."""
WORDS = {
    "it falls": r"\b(vanish\w*|shrinks?|falls?|dies|decreas\w*|gone)\b",
    "it rises": r"\b(explod\w*|grow\w*|rises?|increas\w*)\b",
    "it is level": r"\b(level|the same|unchanged|stays?|keeps?|constant)\b",
}
ENOUGH, LEVEL = 0.3, 0.5
"""Powers of ten between the ends of a line that falls or rises, and those of one that may be called level."""

ABOUT_SOMETHING_ELSE = {
    "01-who-learns": "it falls, but not to 0",
    "01-underflow": "it falls, though float64 holds all of it",
    "01-explodes": "the activations stay below 1, the gradient grows",
    "03-twice-as-deep": "10⁻⁵⁰, not 10⁻²⁵",
    "03-gain-helps-here": "it is level to the last digit shown, so it doesn't only look so",
    "03-which-gain": "level, and yet not the best in training",
    "03-price": "38 % of the units are saturated",
    "04-level-but": "the activations of two digits have cosine 0.997",
    "04-trap": "the gradient falls, which the answer denies",
    "05-relu-right": "it explodes, but inputs don't fly apart",
    "05-tanh-xavier": "it falls by a power of ten in 100 layers, a sigmoid's by sixty",
    "06-layer-norm-batch": "the factor per layer is 0.97, not below 0.5",
    "06-bias": "the factor falls from 1.21 to 1.03, so it doesn't rise",
    "07-circle": "level at skip 0.8, so not only at skip 1",
    "07-pre-norm": "the size of h, not the gradient",
    "08-radius-and-cell": "the RNN's line falls more than the answer says, the LSTM's gates stay",
    "08-twice-as-long": "10⁻⁴⁰, not 10⁻²⁰",
    "10-shape": "the ratio of the parts, which stays",
    "10-radius": "the gradient is below the threshold there",
    "10-open-techniques": "a point to be made, not a wrong answer",
    "11-gain-and-norm": "no unit dies as the gain grows",
}
"""Questions whose answers speak of more than the line's direction, and what the panel shows against them."""


def wrong_answers(lesson: str) -> Iterator[tuple[Question, Answer]]:
    for question in quiz.load_bank(lesson):
        if not question.varies:
            yield from ((question, each) for each in question.answers if each.try_state and not each.correct)


def said_of_the_line(text: str) -> str | None:
    """What a text says the line does, where it says one thing."""
    found = [claim for claim, words in WORDS.items() if re.search(words, text)]
    return found[0] if len(found) == 1 else None


def shown_by_the_line(panel: panels.Panel, lesson: str) -> dict[str, bool]:
    """Whether the panel's line, read from the loss back to the input, falls, rises or is level."""
    name = theme.ACTIVATION_NAMES[panel.controls["activation"].value] if lesson == "04" else LINES[lesson]
    line = np.asarray(panel.data[name])
    line = line[np.isfinite(line)]
    change = float(line[0] - line[-1])
    return {"it falls": change < -ENOUGH, "it rises": change > ENOUGH, "it is level": abs(change) < LEVEL}


@pytest.mark.parametrize("lesson", [lesson for lesson in quiz.available_lessons() if lesson in (*LINES, "04")])
def test_the_state_to_try_refutes_the_answer(lesson: str) -> None:
    panel = getattr(panels, panels.PANELS[lesson][0])()
    first = {name: control.value for name, control in panel.controls.items()}
    confirmed = []
    for question, answer in wrong_answers(lesson):
        panel.set(**{**first, **answer.try_state})
        assert not panel.live.error, (question.id, panel.live.error)
        claim = said_of_the_line(answer.text)
        if claim and question.id not in ABOUT_SOMETHING_ELSE and shown_by_the_line(panel, lesson)[claim]:
            confirmed.append(f"{question.id}: “{answer.text}” is what {answer.try_state} shows")
    assert confirmed == []


def test_the_exceptions_are_questions_of_the_banks() -> None:
    ids = {question.id for lesson in quiz.available_lessons() for question in quiz.load_bank(lesson)}
    assert set(ABOUT_SOMETHING_ELSE) <= ids


def test_a_claim_is_read_and_held_against_the_line() -> None:
    assert said_of_the_line("It vanishes: nothing carries it.") == "it falls"
    assert said_of_the_line("It explodes or vanishes.") is None and said_of_the_line("Both.") is None
    panel = panels.residual_networks()
    panel.set(skip=0.0, branch=0.236)
    assert shown_by_the_line(panel, "07") == {"it falls": True, "it rises": False, "it is level": False}
