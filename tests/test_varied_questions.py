"""A thousand seeds for each question that varies: keys are right by independent computations, distractors differ."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from helpers import quiz
from helpers.datasets import digits
from helpers.network import NetworkSpec
from helpers.quiz import Answer, Question, agree, grade, instantiate, profile_curve
from tests.reference import ACTIVATIONS

SEEDS = range(1000)
VARIED = [question for question in quiz.load_banks() if question.varies]
NUMERIC = [question for question in VARIED if question.type == "numeric"]
PROFILES = [question for question in VARIED if question.type == "profile"]


# Numbers, computed from what the learner reads -----------------------------------------------------------------------


def slope(name: str, z: float) -> float:
    """By autograd."""
    place = torch.tensor(z, dtype=torch.float64, requires_grad=True)
    ACTIVATIONS[name](place).backward()
    assert place.grad is not None
    return float(place.grad)


@functools.cache
def averages(name: str, variance: float) -> tuple[float, float, float]:
    """E[slope²], E[phi] and E[phi²] under N(0, variance), by a sum over a fine grid."""
    z = torch.linspace(-12, 12, 200_001, dtype=torch.float64) * math.sqrt(variance)
    z.requires_grad_()
    values = ACTIVATIONS[name](z)
    values.sum().backward()
    assert z.grad is not None
    weights = torch.exp(-(z.detach() ** 2) / (2 * variance))
    weights = weights / weights.sum()
    squares = (z.grad**2 * weights).sum()
    values = values.detach()
    return float(squares), float((values * weights).sum()), float((values**2 * weights).sum())


def sigmoid_factor(gain: float) -> float:
    """Iterate the variance of the pre-activations to its fixed point, then gain · √E[slope²]."""
    variance = 1.0
    for _ in range(60):
        variance = gain**2 * averages("sigmoid", round(variance, 9))[2]
    return gain * math.sqrt(averages("sigmoid", round(variance, 9))[0])


def biased_relu(bias: str) -> float:
    """49 layers of ReLU with batch norm and this bias of its own, by a sum over a fine grid of ẑ."""
    z = np.linspace(-9, 9, 200_001)
    weights = np.exp(-z * z / 2) / np.exp(-z * z / 2).sum()
    values, slopes = np.maximum(z + float(bias), 0), z + float(bias) > 0
    mean = float(weights @ values)
    return float((weights @ slopes / (weights @ values**2 - mean**2)) ** (49 / 2))


def normalized(name: str, layers: str) -> float:
    squares, mean, second = averages(name, 1.0)
    return float((squares / (second - mean**2)) ** (int(layers) / 2))


def clipped(small: float, big: float, threshold: float) -> float:
    weights = torch.zeros(2, requires_grad=True)
    weights.grad = torch.tensor([small, big])
    torch.nn.utils.clip_grad_norm_([weights], threshold)
    return float(weights.grad[0])


def generator_slope(logit: float, loss: str) -> float:
    a = torch.tensor(logit, dtype=torch.float64, requires_grad=True)
    probability = 1 / (1 + torch.exp(-a))
    (torch.log(1 - probability) if loss == "saturating" else -torch.log(probability)).backward()
    assert a.grad is not None
    return abs(float(a.grad))


def steps_to_half(bias: float) -> float:
    """The place where the product of gates crosses one half, between two whole steps on a log scale."""
    gate, left, steps = 1 / (1 + math.exp(-bias)), 1.0, 0
    while left * gate > 0.5:
        left, steps = left * gate, steps + 1
    return steps + (math.log(left) - math.log(0.5)) / -math.log(gate)


def weight_std(inputs: str, outputs: str, rule: str) -> float:
    """What torch's own initialization asks for; LeCun's is He's with the gain of a linear layer."""
    weights = torch.empty(int(outputs), int(inputs))
    kind = "relu" if rule.startswith("He") else "linear"
    fan = torch.nn.init._calculate_correct_fan(weights, "fan_in")
    return torch.nn.init.calculate_gain(kind) / math.sqrt(fan)


ARITHMETIC: dict[str, tuple[str, Callable[..., float]]] = {
    "00-what-is-left": (
        r"Each of (\d+) layers multiplies the gradient by (\S+)\. ",
        lambda layers, factor: math.prod([float(factor)] * int(layers)),
    ),
    "01-chain-of-weights": (
        r"A chain has (\d+) sigmoid neurons, each with weight (\S+) and held at pre-activation 0\.",
        lambda depth, weight: math.prod([float(weight) * slope("sigmoid", 0.0)] * int(depth)),
    ),
    "02-factor-of-a-spread": (
        r"wide (\w+) layer has weights of variance 1/N, and its pre-activations have standard deviation (\S+)\. ",
        lambda name, spread: math.sqrt(averages(name.lower(), float(spread) ** 2)[0]),
    ),
    "03-factor-of-a-gain": (r"under Xavier with gain (\S+), wide", lambda gain: sigmoid_factor(float(gain))),
    "04-leaky-growth": (
        r"Leaky ReLU with leak (\S+), (\d+) layers,",
        lambda leak, depth: math.prod([math.sqrt(2 * np.mean([1.0, float(leak) ** 2]))] * (int(depth) - 1)),
    ),
    "05-std-of-a-rule": (r"A layer maps (\d+) features to (\d+) units\. (\w+)’?'?s rule", weight_std),
    "06-total-growth": (
        r"Plain network of (\w+?)s? with batch norm \(bias β = 0\), wide, large batches\. .* over (\d+) layers",
        lambda name, layers: normalized(name.lower(), layers),
    ),
    "06-bias-factor": (r"with batch norm and bias β = (\S+): ", biased_relu),
    "07-growth-of-squares": (
        r"(\d+) residual blocks without normalization, skips of strength 1, branch scale (\S+)\. ",
        lambda blocks, branch: math.exp(int(blocks) * math.log1p(float(branch) ** 2)),
    ),
    "08-left-over": (
        r"nothing but its bias, (\S+)\. .* left after (\d+) steps",
        lambda bias, steps: math.prod([1 / (1 + math.exp(-float(bias)))] * int(steps)),
    ),
    "08-half-life-of-a-bias": (r"nothing but its bias, (\S+)\. ", lambda bias: steps_to_half(float(bias))),
    "09-slope-at-a-logit": (
        r"the logit a = (\S+), .* slope of the (\S+) generator's loss",
        lambda logit, loss: generator_slope(float(logit), loss),
    ),
    "10-clipped-entry": (
        r"two entries, (\S+) and (\S+)\. It is clipped by norm at (\S+)\. ",
        lambda small, big, threshold: clipped(float(small), float(big), float(threshold)),
    ),
}


def test_every_lesson_has_a_question_whose_numbers_vary() -> None:
    assert {question.id for question in NUMERIC} >= set(ARITHMETIC)
    assert {question.lesson for question in NUMERIC} >= {f"{lesson:02d}" for lesson in range(11)}


@pytest.mark.parametrize("question", NUMERIC, ids=lambda question: question.id)
def test_a_thousand_keys_are_right_and_no_distractor_is(question: Question) -> None:
    pattern, arithmetic = ARITHMETIC[question.id]
    texts: dict[str, tuple[Answer, ...]] = {}
    for seed in SEEDS:
        instance = instantiate(question, seed)
        if instance.text in texts:
            assert instance.answers == texts[instance.text], "the text must say all that is drawn"
            continue
        texts[instance.text] = instance.answers
        read = re.search(pattern, instance.text)
        assert read, instance.text
        expected = arithmetic(*read.groups())
        right = instance.right_answer()
        assert right == pytest.approx(expected, rel=3e-3), instance.text
        assert grade(instance, expected).correct and grade(instance, f"{expected:.3g}").correct
        numbers = [answer.number() for answer in instance.answers if not answer.correct and not answer.default]
        assert numbers, "no wrong number has feedback of its own"
        for number in numbers:
            assert number is not None and math.isfinite(number)
            assert not agree(number, right, instance.tolerance, instance.precision), instance.text
            assert not agree(right, number, instance.tolerance, instance.precision), instance.text
        for answer in instance.answers:
            assert "{" not in answer.feedback and "{" not in instance.text
            assert answer.default or grade(instance, answer.number()).feedback == answer.feedback, instance.text
        assert len({answer.feedback for answer in instance.answers}) == len(instance.answers)
    assert len(texts) >= 5


# Hidden networks, measured once more by autograd on weights that torch draws ------------------------------------------


INITS: dict[str, Callable[[torch.Tensor], object]] = {
    "he_normal": functools.partial(torch.nn.init.kaiming_normal_, nonlinearity="relu"),
    "xavier_normal": torch.nn.init.xavier_normal_,
    "lecun_normal": functools.partial(torch.nn.init.kaiming_normal_, nonlinearity="linear"),
}


def torch_layer(spec: NetworkSpec, inputs: int) -> torch.nn.Linear:
    layer = torch.nn.Linear(inputs, spec.width).double()  # PyTorch's default
    if spec.init != "pytorch_default":
        INITS[spec.init](layer.weight)
        torch.nn.init.normal_(layer.bias, std=spec.bias_std)
    with torch.no_grad():
        layer.weight *= spec.gain
    return layer


@functools.cache
def measured_by_torch(spec: NetworkSpec, nets: int = 2) -> float:
    """log10 of layer 1's gradient norm over the last layer's, the mean of a few networks."""
    torch.manual_seed(1234)
    data = digits()
    lines = []
    for _ in range(nets):
        h = torch.tensor(data.features[: spec.batch], dtype=torch.float64)
        outputs = []
        for layer in range(spec.depth):
            z = torch_layer(spec, h.shape[1])(h)
            if spec.norm == "batch":
                z = F.batch_norm(z, None, None, training=True)
            a = F.leaky_relu(z, spec.leak) if spec.activation == "leaky_relu" else ACTIVATIONS[spec.activation](z)
            h = a + spec.skip * h if layer and spec.skip else a
            h.retain_grad()
            outputs.append(h)
        read_out = torch.nn.Linear(spec.width, 10).double()
        F.cross_entropy(read_out(h), torch.tensor(np.asarray(data.labels[: spec.batch])).long()).backward()
        lines.append(math.log10(float(outputs[0].grad.norm() / outputs[-1].grad.norm())))
    return float(np.mean(lines))


@pytest.mark.slow
@pytest.mark.parametrize("question", PROFILES, ids=lambda question: question.id)
def test_a_thousand_pictures_show_the_network_that_counts_as_right(question: Question) -> None:
    seen: dict[NetworkSpec | None, tuple[str, tuple[Answer, ...]]] = {}
    for seed in SEEDS:
        instance = instantiate(question, seed)
        if instance.network in seen:
            assert seen[instance.network] == (instance.text, instance.answers)
            continue
        seen[instance.network] = (instance.text, instance.answers)
        mean, spread = profile_curve(instance)
        assert np.isfinite(mean).all() and np.isfinite(spread).all()
        assert f"{len(mean)} " in instance.text and instance.network is not None
        assert f"of {instance.network.width} " in instance.text
        drawn = mean[0] - mean[-1]
        far = {answer.text: abs(measured_by_torch(answer.network) - drawn) for answer in instance.answers}
        nearest, second = sorted(far, key=lambda text: far[text])[:2]
        assert nearest == instance.right_answer(), f"{instance.text} {far}"
        assert far[second] > 0.5, f"{nearest} and {second} can't be told apart: {far}"
    answers = {text for _, answers in seen.values() for text in (a.text for a in answers if a.correct)}
    assert answers == {answer.text for answer in question.answers}, "each network is drawn by some seed"


def test_profiles_are_in_the_lessons_where_networks_are_told_apart() -> None:
    assert {question.lesson for question in PROFILES} >= {"03", "04", "05", "06", "07", "10"}
