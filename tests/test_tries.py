"""“Show me in the panel”: what a wrong answer says must be false in the state that it leads to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from helpers import panels, quiz, theme
from helpers.arrays import Array
from helpers.quiz import Answer, Question
from helpers.quiz.instances import instantiate
from helpers.quiz.numbers import read_number
from helpers.quiz.profiles import profile_curve

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
CLAIMED = ("multiple_choice", "many_choice")
"""Types of question whose answers are statements: the points of an open one are right, entries to order neither."""
CHOSEN = (*CLAIMED, "profile")
"""Those and the one whose answers are networks: of these a wrong answer can lead to the panel."""
ENOUGH, LEVEL = 0.3, 0.5
"""Powers of ten between the ends of a line that falls or rises, and those of one that may be called level."""
LEAST = 0.01
"""Powers of ten a layer by which two networks are told apart: a fifth to the other end of ten layers."""

LEFT = {
    "03-which-gain": "which gain trains best: that training is a run, not a state",
}
"""Questions whose answer's claim about the line is true in its state, and what else refutes it."""

Fact = Callable[[panels.Panel], bool]


def line(panel: panels.Panel, name: str) -> Array:
    """A line of the panel, without its gaps."""
    found = np.asarray(panel.data[name]).ravel()
    return found[np.isfinite(found)]


def at(panel: panels.Panel, name: str, **values: Any) -> Array:
    """A line of the panel in another state, which it leaves again."""
    before = {key: panel.controls[key].value for key in values}
    panel.set(**values)
    found = line(panel, name)
    panel.set(**before)
    return found


def change(panel: panels.Panel, name: str, **values: Any) -> float:
    """By how many powers of ten a line changes from the loss to the input, here or in another state."""
    found = at(panel, name, **values)
    return float(found[0] - found[-1])


def squared(panel: panels.Panel, **values: Any) -> float:
    """Lesson 02's mean square slope, here or in another state."""
    return float(at(panel, "E[slope²]", **values)[0])


def pull(panel: panels.Panel, **values: Any) -> float:
    """log10 of what pulls lesson 09's generator, here or in another state."""
    return float(at(panel, "now", **values)[1])


def pushed_to_the_data(panel: panels.Panel) -> bool:
    """Whether lesson 09's arrows point from the fakes, on the left, to the data."""
    starts, ends = panel.data["push"][0][0::3], panel.data["push"][0][1::3]
    return bool((ends > starts).all())


def silent_to_clipping(panel: panels.Panel) -> bool:
    """Whether clipping leaves lesson 10's gradient as it is."""
    return bool(np.abs(line(panel, "after / before")).max() < 1e-9)


SHOWN_AGAINST: dict[str, Fact | tuple[Fact, ...]] = {
    "01-who-learns": lambda panel: change(panel, "measured") < -10 and np.isfinite(panel.data["measured"][0]),
    "01-underflow": (
        lambda panel: -6 > line(panel, "measured")[0] > np.log10(np.finfo(float).tiny),
        lambda panel: line(panel, "measured")[0] < np.log10(np.finfo(np.float32).smallest_subnormal),
    ),
    "01-explodes": lambda panel: (
        change(panel, "measured") > 5
        and (np.asarray(panel.data["first neuron"]) == np.asarray(panel.data["last neuron"])).all()
    ),
    "02-above-one": (
        lambda panel: panel.data["slope²"].max() == 1,
        lambda panel: panel.data["slope²"].max() == 1,
        lambda panel: panel.data["slope²"].max() > 1 and squared(panel) < 1,
    ),
    "02-spread-does-nothing": (
        lambda panel: squared(panel) < 0.5 * squared(panel, spread=1.0),
        lambda panel: squared(panel) < 0.8 * squared(panel, spread=1.0),
        lambda panel: squared(panel) == pytest.approx(squared(panel, spread=1.0)),
    ),
    "02-which-passes-more": lambda panel: (
        squared(panel, activation="gelu", spread=1.0) < squared(panel, activation="relu", spread=1.0) - 0.02
    ),
    "02-why-squares": (
        lambda panel: np.diff(panel.data["activation"]).min() > 0,  # it never falls: no slope is negative
        lambda panel: squared(panel) ** 0.5 > 0.7,  # the mean of the slopes is 0.5
    ),
    "02-double-the-spread": lambda panel: (
        0.4 < squared(panel) / squared(panel, spread=panel.controls["spread"].value / 2) < 0.6
    ),
    "02-code-relu": lambda panel: squared(panel) == pytest.approx(0.5, abs=1e-9),
    "02-selu": lambda panel: 1 < squared(panel) ** 0.5 < 1.2,
    "02-exactly-zero": lambda panel: panel.data["slope² here"][1][0] > 0,
    "03-twice-as-deep": lambda panel: -52 < line(panel, "measured")[0] - line(panel, "measured")[-1] < -48,
    "03-gain-helps-here": (
        lambda panel: change(panel, "measured") < -30,
        lambda panel: panel.data["saturated units"][:60].mean() > 0.3,
        lambda panel: np.abs(panel.data["spread over seeds"][:, 0] - panel.data["spread over seeds"][:, 59]).max() < 1,
    ),
    "03-price": lambda panel: 0.1 < line(panel, "saturated units").min() < line(panel, "saturated units").max() < 0.9,
    "04-level-but": lambda panel: line(panel, "ReLU, similarity")[-1] > 0.99 > line(panel, "ReLU, similarity")[0],
    "04-trap": lambda panel: change(panel, "ReLU") < -3,
    "05-relu-right": (
        lambda panel: line(panel, "nearby inputs")[-1] > 0.99,
        lambda panel: change(panel, "gradient") > 5,
        lambda panel: change(panel, "gradient") > 5,
    ),
    "05-tanh-xavier": (
        lambda panel: change(panel, "gradient") < -0.5,
        lambda panel: change(panel, "gradient") > -3,  # the last tenth of the layers loses ever more of it
        lambda panel: change(panel, "gradient") < -0.5,
    ),
    "06-layer-norm-batch": lambda panel: 0.9 < 10 ** (change(panel, "measured") / 49) < 1.1,
    "06-bias": (
        lambda panel: 10 ** (change(panel, "measured") / 49) < 1.1,
        lambda panel: change(panel, "measured") < change(panel, "measured", norm_bias=0.0),
        lambda panel: 10 ** (change(panel, "measured") / 49) > 1,
    ),
    "07-circle": (
        lambda panel: change(panel, "measured") < -3,
        lambda panel: change(panel, "measured") > 3,
        lambda panel: abs(change(panel, "measured")) < 1,
    ),
    "07-pre-norm": (
        lambda panel: -change(panel, "size") > 0.3,
        lambda panel: -change(panel, "size") > 5,
        lambda panel: -change(panel, "size") > 0.3,
    ),
    "08-radius-and-cell": (
        lambda panel: change(panel, "LSTM") < -5 and change(panel, "GRU") < -5,
        lambda panel: line(panel, "LSTM")[0] > -50,
        lambda panel: abs(change(panel, "product of forget gates") - 99 * np.log10(1 / (1 + np.exp(-1)))) < 1,
    ),
    "08-twice-as-long": lambda panel: -45 < change(panel, "LSTM") < -35,
    "09-perfect": (
        lambda panel: pull(panel) < pull(panel, trained=20) - 1,
        pushed_to_the_data,
        lambda panel: np.isfinite(pull(panel)),
    ),
    "09-same-opponent": (
        lambda panel: (
            at(panel, "discriminator", loss="saturating") == at(panel, "discriminator", loss="non_saturating")
        ).all(),
        pushed_to_the_data,
        lambda panel: abs(pull(panel, loss="saturating") - pull(panel, loss="non_saturating")) > 1,
    ),
    "09-js-ceiling": pushed_to_the_data,
    "09-near-perfect": lambda panel: pull(panel) < pull(panel, trained=20) - 1,
    "10-shape": lambda panel: abs(change(panel, "after") - change(panel, "before")) < 1e-6,
    "10-radius": (silent_to_clipping, silent_to_clipping, lambda panel: not silent_to_clipping(panel)),
    "11-gain-and-norm": lambda panel: (
        np.abs(line(panel, "yours, flat") - at(panel, "yours, flat", gain=1.0)).max() < 0.05
        and abs(change(panel, "yours") - change(panel, "yours", gain=1.0)) < 0.5
    ),
}
"""What the panel shows against the wrong answers of a question, in all of their states, or in each one's in turn."""


Number = Callable[[Question, panels.Panel], float]


def value(panel: panels.Panel, name: str) -> float:
    """Where a control of the panel stands."""
    return float(panel.controls[name].value)


def half_life(panel: panels.Panel) -> float:
    """After how many steps lesson 08's gates leave a half, by their biases alone."""
    kept = line(panel, "bias alone")
    return float((len(kept) - 1) * np.log(0.5) / np.log(kept[0]))


VARIANCES = {"he_normal": 2, "xavier_normal": 1, "pytorch_default": 1 / 3}
SHOWN_AS: dict[str, Number] = {
    "01-knifes-edge": lambda _, panel: (
        value(panel, "weight") / 10 ** (change(panel, "measured") / (value(panel, "depth") - 1))
    ),
    "01-chain-of-weights": lambda _, panel: 10 ** change(panel, "measured") * value(panel, "weight") / 4,
    "02-tanh-over-sigmoid": lambda _, panel: (
        (panel.data["slope²"].max() / at(panel, "slope²", activation="sigmoid").max()) ** 0.5
    ),
    "02-default-sigmoid": lambda _, panel: (squared(panel) / 3) ** 0.5,
    "03-critical-gain": lambda _, panel: value(panel, "gain") if abs(change(panel, "theory")) < 0.1 else np.nan,
    "04-he-variance": lambda _, panel: (
        VARIANCES[panel.controls["scheme"].value] / 10 ** (change(panel, "theory") / 14.5)
    ),
    "04-leaky-growth": lambda _, panel: 10 ** change(panel, "theory"),
    "05-reach": lambda _, panel: value(panel, "depth") - float(panel.data["6ξ"][0][0]),
    "06-bias-factor": lambda _, panel: 10 ** change(panel, "theory"),
    "06-forty-nine": lambda _, panel: 10 ** change(panel, "theory"),
    "06-total-growth": lambda question, panel: (
        10 ** (change(panel, "theory") / 49 * int(re.findall(r"over (\d+) layers", question.text)[0]))
    ),
    "07-squares": lambda _, panel: 10 ** (-2 * change(panel, "size in theory")),
    "07-pre-norm-gradient": lambda _, panel: 10 ** change(panel, "theory"),
    "07-growth-of-squares": lambda _, panel: 10 ** (-2 * change(panel, "size in theory")),
    "08-direct-path": lambda _, panel: float(line(panel, "bias alone")[0]) / 2,
    "08-bias-for-thousand": lambda _, panel: value(panel, "forget_bias") + np.log(1000 / half_life(panel)),
    "08-left-over": lambda _, panel: float(line(panel, "bias alone")[0] / (1 + np.exp(-value(panel, "forget_bias")))),
    "10-tiny": lambda _, panel: 1e-12 * 10 ** float(line(panel, "after / before")[0]),
    "11-factor": lambda _, panel: 10 ** (change(panel, "unknown") / 29),
}
"""Right numbers that follow from what the panel shows, where its sentence doesn't say them."""

IN_ANOTHER_PANEL = {"07-mean-length": "the panel of the path lengths, which the question names"}


def numbers_in(text: str) -> Iterator[float]:
    """The numbers of a sentence, powers of ten and per cents among them."""
    power = "10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+"
    for found in re.findall(rf"(?:\d+(?:\.\d+)?\s×\s)?{power}|\d+(?:\.\d+)?%?", text):
        yield read_number(found)


def numeric_questions(lesson: str) -> Iterator[Question]:
    """The numeric questions that lead to the panel; three instances of one that varies."""
    for question in quiz.load_bank(lesson):
        if question.type == "numeric" and any(answer.try_state for answer in question.answers):
            yield from (instantiate(question, seed) for seed in range(3 if question.varies else 1))


def wrong_answers(lesson: str) -> Iterator[tuple[Question, Answer]]:
    for question in quiz.load_bank(lesson):
        if question.type in CLAIMED and not question.varies:
            yield from ((question, each) for each in question.answers if each.try_state and not each.correct)


def said_of_the_line(text: str) -> str | None:
    """What a text says the line does, where it says one thing."""
    found = [claim for claim, words in WORDS.items() if re.search(words, text)]
    return found[0] if len(found) == 1 else None


def main_line(panel: panels.Panel, lesson: str) -> Array:
    """The line that the panel is about, without its gaps."""
    return line(panel, theme.ACTIVATION_NAMES[panel.controls["activation"].value] if lesson == "04" else LINES[lesson])


def shown_by_the_line(panel: panels.Panel, lesson: str) -> dict[str, bool]:
    """Whether the panel's line, read from the loss back to the input, falls, rises or is level."""
    found = main_line(panel, lesson)
    change = float(found[0] - found[-1])
    return {"it falls": change < -ENOUGH, "it rises": change > ENOUGH, "it is level": abs(change) < LEVEL}


def panel_of(lesson: str) -> tuple[panels.Panel, dict[str, Any]]:
    """A lesson's main panel, and the state in which it begins."""
    panel = getattr(panels, panels.PANELS[lesson][0])()
    return panel, {name: control.value for name, control in panel.controls.items()}


@pytest.mark.parametrize("lesson", [lesson for lesson in quiz.available_lessons() if lesson in (*LINES, "04")])
def test_the_state_to_try_refutes_what_the_answer_says_of_the_line(lesson: str) -> None:
    panel, first = panel_of(lesson)
    confirmed = []
    for question, answer in wrong_answers(lesson):
        panel.set(**{**first, **answer.try_state})
        assert panel.data and not panel.live.error, (question.id, panel.live.error)
        claim = said_of_the_line(answer.text)
        known = question.id in LEFT or question.id in SHOWN_AGAINST
        if claim and not known and shown_by_the_line(panel, lesson)[claim]:
            confirmed.append(f"{question.id}: “{answer.text}” is what {answer.try_state} shows")
    assert confirmed == []


def per_layer(log10: Array) -> float:
    """By how many powers of ten a line over layers changes from each layer to the one before, on average."""
    return float(log10[0] - log10[-1]) / (len(log10) - 1)


VARYING = [
    lesson for lesson in quiz.available_lessons() if any(q.varies and q.type in CHOSEN for q in quiz.load_bank(lesson))
]


@pytest.mark.parametrize("lesson", VARYING)
def test_another_network_than_the_drawn_one_looks_like_itself_in_the_panel(lesson: str) -> None:
    """Of questions that vary: the state shows the network that was chosen, and it isn't the one that was drawn."""
    panel, first = panel_of(lesson)
    driven, mistaken = 0, []
    for question in quiz.load_bank(lesson):
        if not (question.varies and question.type in CHOSEN):
            continue
        assert question.type == "profile", f"{question.id}: say here what its states must show"
        for instance in (instantiate(question, seed) for seed in range(4)):
            drawn = per_layer(profile_curve(instance)[0])
            for answer in instance.answers:
                if answer.correct or not answer.try_state:
                    continue
                driven += 1
                panel.set(**{**first, **answer.try_state})
                chosen = per_layer(profile_curve(replace(instance, answers=(replace(answer, correct=True),)))[0])
                shown = per_layer(main_line(panel, lesson))
                if not abs(shown - chosen) < abs(shown - drawn) or abs(shown - drawn) < LEAST:
                    mistaken.append((question.id, answer.text, drawn, chosen, shown))
    assert driven > 0 and mistaken == []


@pytest.mark.parametrize("name", SHOWN_AGAINST)
def test_the_state_to_try_shows_what_speaks_against_the_answer(name: str) -> None:
    panel, first = panel_of(name[:2])
    answers = [answer for question, answer in wrong_answers(name[:2]) if question.id == name]
    facts = SHOWN_AGAINST[name]
    each = facts if isinstance(facts, tuple) else (facts,) * len(answers)
    assert len(each) == len(answers) > 0
    silent = []
    for fact, answer in zip(each, answers, strict=True):
        panel.set(**{**first, **answer.try_state})
        if not fact(panel):
            silent.append(answer.text)
    assert silent == []


@pytest.mark.parametrize("lesson", quiz.available_lessons())
def test_a_state_to_try_shows_the_right_number(lesson: str) -> None:
    panel, first = panel_of(lesson)
    missing = []
    for question in numeric_questions(lesson):
        shown: list[float] = []
        for answer in question.answers:
            if answer.try_state:
                panel.set(**{**first, **answer.try_state})
                shown += numbers_in(panel.data["summary"])
                shown += [SHOWN_AS[question.id](question, panel)] if question.id in SHOWN_AS else []
        if not any(quiz.grade(question, number).correct for number in shown if np.isfinite(number)):
            missing.append((question.id, question.right_answer(), shown[-1]))
    assert [each for each in missing if each[0] not in IN_ANOTHER_PANEL] == []


def test_the_questions_named_here_are_in_the_banks() -> None:
    ids = {question.id for lesson in quiz.available_lessons() for question in quiz.load_bank(lesson)}
    assert {*LEFT, *SHOWN_AGAINST, *SHOWN_AS, *IN_ANOTHER_PANEL} <= ids


def test_a_claim_is_read_and_held_against_the_line() -> None:
    assert said_of_the_line("It vanishes: nothing carries it.") == "it falls"
    assert said_of_the_line("It explodes or vanishes.") is None and said_of_the_line("Both.") is None
    panel = panels.residual_networks()
    panel.set(skip=0.0, branch=0.236)
    assert shown_by_the_line(panel, "07") == {"it falls": True, "it rises": False, "it is level": False}
