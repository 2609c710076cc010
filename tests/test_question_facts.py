"""What the banks cover, and the numbers that their texts state."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from helpers import quiz, theory
from helpers.figures import MILESTONES
from helpers.network import NetworkSpec, gradient_profile
from helpers.recurrent import RecurrentSpec, recurrent_profile

LESSONS = [f"{lesson:02d}" for lesson in range(11)]
BANKS = {lesson: quiz.load_bank(lesson) for lesson in LESSONS}
BY_ID = {question.id: question for bank in BANKS.values() for question in bank}

FACTS = {  # that the course must cover
    "the gradient of the loss goes to zero on its way back": ["01-what-vanishes", "01-true-sentences"],
    "exponentially in depth": ["01-exponential", "01-true-sentences"],
    "early layers stop adapting, learning slows or stalls": ["01-who-learns", "03-first-layer", "03-symptoms"],
    "sigmoid and tanh have small slopes away from zero": ["02-saturated-slope", "01-true-sentences"],
    "what the idea is used for": ["01-what-for"],
    "ReLU and its variants": ["04-slope-one", "04-leak"],
    "Xavier and He initialization": ["05-std-of-a-rule", "05-goes-together"],
    "batch normalization": ["06-what-it-does"],
    "residual connections": ["07-what-skips-do"],
    "LSTMs": ["08-remember-longer"],
    "a discriminator that is too good": ["09-near-perfect"],
    "gradient clipping": ["10-which-help", "10-guide"],
    "the history": ["01-history", "01-timeline"],
}
OPEN = {
    "how the choice of activation acts": "02-open-activation",
    "which techniques address it and why": "10-open-techniques",
    "how architectures changed what can be trained": "08-open-architectures",
}


@pytest.mark.parametrize("fact", FACTS)
def test_every_fact_is_asked(fact: str) -> None:
    assert all(name in BY_ID for name in FACTS[fact])


@pytest.mark.parametrize("subject", OPEN)
def test_the_open_questions_have_a_model_answer_and_a_rubric(subject: str) -> None:
    question = BY_ID[OPEN[subject]]
    assert question.type == "open" and len(question.answers) >= 4 and len(question.model.split()) > 80
    assert quiz.grade(question, question.right_answer()).correct


def test_all_types_are_in_use() -> None:
    types = Counter(question.type for question in BY_ID.values())
    assert set(types) >= {"multiple_choice", "many_choice", "numeric", "ordering", "profile", "open"}
    assert types["ordering"] >= 5 and types["many_choice"] >= 8 and types["profile"] == 6 and types["open"] == 3


def test_wrong_choices_offer_a_state_of_the_panel() -> None:
    wrong = [
        answer
        for question in BY_ID.values()
        if question.type == "multiple_choice"
        for answer in question.answers
        if not answer.correct
    ]
    assert sum(bool(answer.try_state) for answer in wrong) > 0.5 * len(wrong)


# Numbers that the texts state ----------------------------------------------------------------------------------------


def decades_a_layer(**settings: object) -> float:
    profile = gradient_profile(NetworkSpec(depth=31, batch=64, seeds=4, width=96, **settings))  # type: ignore[arg-type]
    return float((profile.log10_signal[:, 0] - profile.log10_signal[:, -1]).mean() / 30)


@pytest.mark.parametrize(
    ("settings", "stated"),
    [
        ({"activation": "sigmoid", "init": "pytorch_default", "bias_std": 288**-0.5}, -0.85),
        ({"activation": "sigmoid"}, -0.63),
        ({"activation": "sigmoid", "gain": 4.0}, -1 / 5),
        ({"activation": "sigmoid", "gain": 10.149}, 0.0),
        ({"activation": "sigmoid", "gain": 16.0}, math.log10(1.2)),
        ({"activation": "relu", "init": "pytorch_default", "bias_std": 288**-0.5}, -0.39),
        ({"activation": "relu"}, -0.15),
        ({"activation": "relu", "init": "he_normal"}, 0.0),
        ({"activation": "leaky_relu", "leak": 0.7, "init": "he_normal"}, math.log10(1.49) / 2),
        ({"activation": "tanh", "gain": 0.5, "bias_std": 0.3}, -1 / 3),
        ({"activation": "tanh", "gain": 1.0, "bias_std": 0.3}, -1 / 12),
        ({"activation": "tanh", "gain": 1.4, "bias_std": 0.3}, 0.0),
        ({"activation": "tanh", "gain": 2.5, "bias_std": 0.3}, math.log10(1.25)),
        ({"activation": "relu", "norm": "batch"}, 1 / 12),
        ({"activation": "sigmoid", "norm": "batch"}, 0.012),
        ({"activation": "relu", "init": "he_normal", "skip": 1.0}, math.log10(1.6)),
        ({"activation": "tanh", "gain": 0.5}, math.log10(0.5)),
        ({"activation": "tanh", "gain": 3.0}, math.log10(1.35)),
    ],
)
def test_what_is_said_of_the_hidden_networks(settings: dict[str, object], stated: float) -> None:
    assert decades_a_layer(**settings) == pytest.approx(stated, abs=0.015, rel=0.06)


def test_the_order_of_memories_is_the_engines() -> None:
    """PyTorch's default, its forget gates with 1 in one bias vector, and in both: 64 units, 100 steps."""
    size = {"length": 100, "hidden": 64, "batch": 4, "seeds": 8}
    specs = [
        RecurrentSpec("rnn", **size),
        RecurrentSpec("lstm", **size),
        RecurrentSpec("lstm", **size, forget_bias=1.0),
        RecurrentSpec("lstm", **size, forget_bias=2.0),
    ]
    left = []
    for spec in specs:
        lines = recurrent_profile(spec).log10_signal
        left.append(float((lines[:, 0] - lines[:, -1]).mean()))
    assert left == sorted(left) and np.all(np.diff(left) > 1)
    assert left == pytest.approx([-22, -20, -7, -2], abs=0.5)
    question = BY_ID["08-order-of-memories"]
    assert "how many powers of ten" in question.text and "12 powers of ten better" in question.answers[2].feedback
    assert left[2] - left[1] == pytest.approx(12, abs=0.5)


def test_the_order_of_the_story_is_that_of_the_timeline() -> None:
    years = [answer.feedback[:4] for answer in BY_ID["01-timeline"].answers]
    assert years == sorted(years) == ["1986", "1991", "1994", "1997", "2010", "2015"]
    assert set(map(int, years)) <= {milestone.year for milestone in MILESTONES}


def test_numbers_of_lessons_02_to_10() -> None:
    order = [theory.mean_square_slope(name) for name in ("sigmoid", "silu", "relu", "elu", "selu")]
    assert order == pytest.approx([0.045, 0.379, 0.5, 0.668, 1.072], abs=1e-3)
    assert quiz.compute_key("slope", activation="sigmoid", z=-5.0) == pytest.approx(0.0066, abs=1e-4)
    assert pytest.approx(0.50005) == (1 + 0.01**2) / 2
    assert 1e4 < 0.5 ** (-29 / 2) < 1e5, "Xavier's signal over 30 layers: by more than ten thousand"
    factors = [
        theory.per_layer_factor("sigmoid", 1),
        theory.per_layer_factor("relu", 1 / 3),
        theory.per_layer_factor("tanh", 1 / 3),
        theory.per_layer_factor("relu", 1),
    ]
    assert factors == pytest.approx([0.236, 0.408, 0.577, 0.707], abs=1e-3)
    assert theory.normalized_factor("sigmoid") == pytest.approx(1.017, abs=1e-3)
    assert theory.normalized_factor("relu") ** 2 == pytest.approx(1.467, abs=1e-3)
    signals = [
        quiz.compute_key("residual_signal", blocks=20, **each)
        for each in (
            {"skip": 0.0, "branch": 0.236},
            {"skip": 0.8, "branch": 0.4},
            {"skip": 1.0, "branch": 0.0},
            {"skip": 1.0, "branch": 0.5},
            {"skip": 1.0, "branch": 1.0},
        )
    ]
    assert signals == pytest.approx([10**-12.5, 0.894**20, 1.0, 9.3, 1024], rel=0.1)
    assert pytest.approx(2, abs=0.1) == 50 * 0.2**2 / (1 + 0.2**2)
    assert theory.forget_gate(5.0) == pytest.approx(0.993, abs=1e-3) and 100 < theory.half_life(5.0) < 110
    assert theory.forget_gate(1.0) == pytest.approx(0.73, abs=2e-3)
    assert theory.forget_gate(2.0) == pytest.approx(0.88, abs=2e-3)
    pulls = [theory.optimal_generator_gradient(loss, 8.0) for loss in ("saturating", "wasserstein", "non_saturating")]
    assert pulls == pytest.approx([4e-4, 1, 8], rel=0.05)
    assert pytest.approx(theory.mean_square_slope("sigmoid"), abs=0.006) == 0.05, "a twentieth"
