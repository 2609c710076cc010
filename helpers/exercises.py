"""The "Write it yourself" tasks: what is asked, how it is checked, hints in stages, and a solution that tests run.

A learner's function is tried on several inputs in a thread of its own: if it raises, the line is named; if it doesn't
come back, it is stopped; the notebook goes on in any case.
"""

from __future__ import annotations

import ctypes
import functools
import linecache
import math
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from helpers import theory
from helpers.activations import get_activation
from helpers.network import NetworkSpec, gradient_profile
from helpers.quiz import read_number, say_number

SECONDS = 5.0
"""How long a learner's function may take on one input."""

Status = Literal["right", "wrong", "open"]


@dataclass(frozen=True)
class Verdict:
    """What a check found. `open` means that there is nothing to judge yet; `hint` is the exercise's first hint."""

    status: Status
    message: str
    hint: str = ""

    @property
    def correct(self) -> bool:
        """True where the exercise is solved."""
        return self.status == "right"


@dataclass(frozen=True)
class Exercise:
    """One task. `solution` is code that defines a name equal to `id`; tests run it."""

    id: str
    lesson: str
    task: str
    hints: tuple[str, ...]
    solution: str
    judge: Callable[[Any], Verdict]


@dataclass(frozen=True)
class Mistake:
    """A wrong rule that people really use, and what to tell who used it."""

    rule: Callable[..., Any]
    sentence: str


class _Failed(Exception):
    """The learner's code gave no usable value; the message says why."""


def check_exercise(exercise_id: str, thing: Any) -> Verdict:
    """Judge a learner's function or number; never raises for what the learner's code does.

    ValueError where there is no exercise of that id.
    """
    exercise = get_exercise(exercise_id)
    if thing is ... or thing is None:
        return Verdict("open", "Not yet done: replace the three dots, then run the cell again.", exercise.hints[0])
    verdict = exercise.judge(thing)
    return verdict if verdict.correct else Verdict(verdict.status, verdict.message, exercise.hints[0])


def get_exercise(exercise_id: str) -> Exercise:
    """The exercise of this id; ValueError that lists all ids where there is none."""
    if exercise_id not in EXERCISES:
        raise ValueError(f"exercise is {exercise_id!r}; it must be one of {', '.join(EXERCISES)}")
    return EXERCISES[exercise_id]


# Trying a learner's function -----------------------------------------------------------------------------------------


def _judge_function(
    function: Any,
    name: str,
    rule: Callable[..., Any],
    inputs: Sequence[tuple[Any, ...]],
    tolerance: float = 1e-6,
    floor: float = 0.0,
    mistakes: Sequence[Mistake] = (),
) -> Verdict:
    """Hold the function against a rule on each of the inputs: relative tolerance, and an absolute floor."""
    if not callable(function):
        return Verdict("wrong", f"Hand over the function itself, `{name}` without brackets, not what it returns.")
    for arguments in inputs:
        expected = np.asarray(rule(*arguments), dtype=np.float64)
        call = f"{name}({', '.join(_show(argument) for argument in arguments)})"
        try:
            raw = _call(function, arguments)
            if raw is ... or raw is None:
                return Verdict("open", f"Not yet done: `{name}` returns nothing. Is a `return` missing?")
            given = _as_numbers(raw, expected.shape)
        except _Failed as failure:
            return Verdict("wrong", f"On `{call}`: {failure}")
        if not np.allclose(given, expected, rtol=tolerance, atol=floor):
            found = _named_mistake(given, arguments, mistakes, tolerance)
            return Verdict("wrong", f"`{call}` gives {_show(given)}; right is {_show(expected)}. {found}".rstrip())
    return Verdict("right", f"It agrees on all {len(inputs)} inputs.")


def _named_mistake(given: Any, arguments: tuple[Any, ...], mistakes: Sequence[Mistake], tolerance: float) -> str:
    for mistake in mistakes:
        if np.allclose(given, mistake.rule(*arguments), rtol=tolerance, atol=0.0):
            return mistake.sentence
    return ""


def _call(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """The function's value on copies of the arguments; _Failed says what went wrong and in which line."""
    outcome: dict[str, Any] = {}

    def work() -> None:
        try:
            with np.errstate(all="ignore"):
                outcome["value"] = function(*(np.copy(a) if isinstance(a, np.ndarray) else a for a in arguments))
        except BaseException as error:
            outcome["error"] = error

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        thread.join(SECONDS)
    except KeyboardInterrupt:
        _stop(thread)
        raise _Failed("you stopped it.") from None
    if thread.is_alive():
        _stop(thread)
        raise _Failed(f"no answer after {SECONDS:g} seconds. Is there a loop without an end?")
    if "error" in outcome:
        raise _Failed(_describe(outcome["error"], function))
    return outcome["value"]


def _stop(thread: threading.Thread) -> None:
    """Make the thread's Python code raise SystemExit; code that catches it goes on in the background."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(SystemExit))
    thread.join(0.5)


def _describe(error: BaseException, function: Callable[..., Any]) -> str:
    """The error in words, with the deepest line of the learner's own code."""
    try:
        what = f"{type(error).__name__}: {error}"
    except Exception:
        what = type(error).__name__
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    lines = [number for frame, number in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == file]
    if not lines or file is None:
        return f"it stops with {what}."
    source = linecache.getline(file, lines[-1]).strip()
    return f"it stops with {what}, in line {lines[-1]}" + (f": `{source}`" if source else ".")


def _as_numbers(raw: Any, shape: tuple[int, ...]) -> np.ndarray:
    """The value as finite float64 numbers of the wanted shape; _Failed says what is amiss."""
    try:
        detached = raw.detach().cpu() if hasattr(raw, "detach") else raw
        given = np.asarray(detached, dtype=np.float64)
    except Exception:
        raise _Failed(f"it returns a value of type {type(raw).__name__}, not a number.") from None
    if given.shape != shape:
        wanted = f"numbers of shape {shape}" if shape else "one number"
        raise _Failed(f"it returns numbers of shape {given.shape}; wanted: {wanted}.")
    if not np.all(np.isfinite(given)):
        raise _Failed(f"it returns {_show(given)}, which is not finite.")
    return given


def _show(value: Any) -> str:
    """Numbers and arrays, short enough for a sentence."""
    numbers = np.atleast_1d(np.asarray(value, dtype=np.float64))
    words = [f"{number:.4g}" for number in numbers.ravel()[:6]]
    if np.ndim(value) == 0:
        return words[0]
    more = f", … {numbers.size} in all" if numbers.size > len(words) else ""
    return f"[{', '.join(words)}{more}]"


def _judge_number(thing: Any, judge: Callable[[float], Verdict]) -> Verdict:
    """Read one number from a number, a text or a tensor of one number, then judge it."""
    try:
        return judge(read_number(_scalar(thing)))
    except ValueError as error:
        return Verdict("wrong", str(error))


def _scalar(thing: Any) -> Any:
    """What an array or tensor of one number holds; None for one that holds more."""
    try:
        return thing.item() if hasattr(thing, "item") else thing
    except Exception:
        return None


# Lesson 01 -----------------------------------------------------------------------------------------------------------


def _chain_gradient(weights: np.ndarray, slopes: np.ndarray) -> float:
    return float(np.prod(weights * slopes))


def _judge_chain_gradient(function: Any) -> Verdict:
    inputs = [
        (np.array([2.0]), np.array([0.25])),
        (np.array([1.0, 3.0, 0.5]), np.array([0.25, 0.2, 0.1])),
        (np.array([-2.0, 1.5]), np.array([1.0, 0.5])),
        (np.array([1.0, 0.0, 4.0]), np.array([0.25, 0.25, 0.25])),
        (np.full(20, 1.0), np.full(20, 0.25)),
    ]
    mistakes = [
        Mistake(lambda w, s: np.prod(s), "That is the product of the slopes alone: each weight is a factor too."),
        Mistake(lambda w, s: np.prod(w), "That is the product of the weights alone: each slope is a factor too."),
        Mistake(lambda w, s: np.sum(w * s), "You add the layers up; the chain rule multiplies them."),
        Mistake(lambda w, s: w[-1] * s[-1], "That is the last layer alone: the signal passes through all of them."),
        Mistake(lambda w, s: w[0] * s[0], "That is the first layer alone. Does your `return` stand inside the loop?"),
    ]
    return _judge_function(function, "chain_gradient", _chain_gradient, inputs, mistakes=mistakes)


def float32_zero_depth() -> int:
    """The number of factors 0.25 after which a float32 product is exactly 0."""
    product, depth = np.float32(1), 0
    while product > 0:
        product, depth = product * np.float32(0.25), depth + 1
    return depth


def _judge_float32_depth(thing: Any) -> Verdict:
    truth = float32_zero_depth()
    last_full = int(round(-math.log2(float(np.finfo(np.float32).tiny)) / 2))

    def judge(depth: float) -> Verdict:
        if depth == truth:
            return Verdict("right", f"After {truth} sigmoid layers float32 has nothing left but 0.")
        if depth in (last_full, last_full + 1):
            below = "There the numbers stored with full precision end; float32 goes on below with fewer digits."
            return Verdict("wrong", f"{below} Multiply on until the product is exactly 0.")
        if depth in (2 * truth - 1, 2 * truth):
            return Verdict("wrong", "That many halvings it takes; each layer multiplies by a quarter, not by a half.")
        if not 1 <= depth <= 10_000 or depth != int(depth):
            return Verdict("wrong", "A depth is a whole number of layers, at least 1.")
        if depth < truth:
            left = say_number(float(np.float32(0.25) ** np.float32(depth)))
            return Verdict("wrong", f"After {int(depth)} layers float32 still holds {left}. Go deeper.")
        return Verdict("wrong", f"At {int(depth)} it is 0, but not for the first time. Which depth is the first?")

    return _judge_number(thing, judge)


# Lesson 02 -----------------------------------------------------------------------------------------------------------


def _sigmoid(z: Any) -> Any:
    return get_activation("sigmoid").function(np.asarray(z, dtype=np.float64))


def _sigmoid_slope(z: Any) -> Any:
    return get_activation("sigmoid").slope(np.asarray(z, dtype=np.float64))


def _silu_difference(z: Any, step: float = 1e-5) -> Any:
    """Central difference of SiLU: its slope, found without a derivative."""
    silu = get_activation("silu").function
    z = np.asarray(z, dtype=np.float64)
    return (silu(z + step) - silu(z - step)) / (2 * step)


def _judge_silu_slope(function: Any) -> Verdict:
    inputs: list[tuple[Any, ...]] = [(2.0,), (0.0,), (-2.0,), (1.0,), (np.linspace(-6.0, 6.0, 7),)]
    mistakes = [
        Mistake(_sigmoid, "That is σ(z), the first half of the product rule. The second half is z·σ′(z)."),
        Mistake(lambda z: z * _sigmoid_slope(z), "That is z·σ′(z), the second half of the product rule. Add σ(z)."),
        Mistake(_sigmoid_slope, "That is the slope of the sigmoid. SiLU is z·σ(z): use the product rule."),
        Mistake(lambda z: z * _sigmoid(z), "That is SiLU itself. Its slope is asked."),
    ]
    return _judge_function(function, "silu_slope", _silu_difference, inputs, 1e-6, floor=1e-8, mistakes=mistakes)


def _factor_of_spread(z: np.ndarray, weight_variance: float) -> float:
    return math.sqrt(weight_variance * float(np.mean(_sigmoid_slope(z) ** 2)))


def _judge_per_layer_factor(function: Any) -> Verdict:
    draws = np.random.default_rng(2).standard_normal(1000)
    inputs = [(np.zeros(4), 2.0), (draws, 1.0), (3.0 * draws, 1.0), (10.0 * draws, 100.0)]
    mistakes = [
        Mistake(lambda z, v: _factor_of_spread(z, v) ** 2, "That is the factor of the squared norm: take its root."),
        Mistake(lambda z, v: math.sqrt(v) * np.mean(_sigmoid_slope(z)), "Square each slope first, then take the mean."),
        Mistake(lambda z, v: _factor_of_spread(z, 1.0), "The weight variance is missing."),
        Mistake(lambda z, v: v * _factor_of_spread(z, 1.0), "The weight variance belongs under the root."),
        Mistake(lambda z, v: math.sqrt(v) * 0.25, "That takes the largest slope, 0.25, for every unit."),
    ]
    return _judge_function(function, "per_layer_factor", _factor_of_spread, inputs, mistakes=mistakes)


# Lesson 03 -----------------------------------------------------------------------------------------------------------


def _theory_factor(gain: float) -> float:
    return float(theory.per_layer_factor("sigmoid", gain**2))


@functools.cache
def measured_factor(gain: float) -> float:
    """The per-layer factor that the engine measures in a sigmoid network of variance gain²/N, mean of its seeds."""
    spec = NetworkSpec(depth=30, width=128, activation="sigmoid", init="lecun_normal", gain=gain, batch=32, seeds=4)
    return float(np.mean(gradient_profile(spec, data="gaussian").per_layer_factor()))


def _judge_predict_factor(function: Any) -> Verdict:
    mistakes = [
        Mistake(lambda g: 0.25 * g, "That takes the largest slope for every unit; their mean square is smaller."),
        Mistake(lambda g: _theory_factor(g) ** 2, "That is the factor of the squared norm: take its root."),
        Mistake(
            lambda g: g * math.sqrt(theory.mean_square_slope("sigmoid", 1.0)),
            "You took variance 1 for the pre-activations. The gain changes it: find the variance that stays the same.",
        ),
        Mistake(
            lambda g: g * math.sqrt(theory.mean_square_slope("sigmoid", g**2)),
            "You took gain² for their variance. It is gain² times the mean square of the sigmoid's values.",
        ),
    ]
    inputs = [(2.0,), (1.0,), (4.0,), (8.0,), (12.0,)]
    verdict = _judge_function(function, "predict_factor", _theory_factor, inputs, 0.03, mistakes=mistakes)
    return _beside_measurement(function) if verdict.correct else verdict


def _beside_measurement(function: Callable[[float], Any], gains: Sequence[float] = (1.0, 4.0)) -> Verdict:
    """Hold a law that agrees with theory against a network as well."""
    sentences = []
    for gain in gains:
        said, measured = float(_call(function, (gain,))), measured_factor(gain)
        sentences.append(f"At gain {gain:g} you say {said:.3f}, a network of 30 layers measures {measured:.3f}.")
        if abs(said - measured) > 0.1 * measured:
            return Verdict("wrong", sentences[-1])
    return Verdict("right", " ".join(sentences))


def _judge_critical_gain(thing: Any) -> Verdict:
    truth = float(theory.critical_gain("sigmoid"))

    def judge(gain: float) -> Verdict:
        if not 0 < gain <= 100:
            return Verdict("wrong", "A gain is a positive number. Look between 1 and 20.")
        factor = _theory_factor(gain)
        if abs(gain - truth) <= 0.01 * truth:
            return Verdict("right", f"At gain {gain:.4g} a layer multiplies the gradient by {factor:.3f}.")
        way = "higher" if gain < truth else "lower"
        effect = f"over 30 layers that multiplies the gradient by {say_number(factor**30)}. Go {way}."
        return Verdict("wrong", f"At gain {gain:.4g} the factor of a layer is {factor:.3f}: {effect}")

    return _judge_number(thing, judge)


# The register --------------------------------------------------------------------------------------------------------

_ALL = (
    Exercise(
        id="chain_gradient",
        lesson="01",
        task="Write `chain_gradient(weights, slopes)`: by how much the chain's output moves when its input moves.",
        hints=(
            "Each neuron multiplies the signal twice: by its weight and by the slope of its activation.",
            "Begin with 1 and multiply by `weight * slope` for each layer: a loop over `zip(weights, slopes)`.",
        ),
        solution="""\
def chain_gradient(weights, slopes):
    gradient = 1.0
    for weight, slope in zip(weights, slopes):
        gradient = gradient * weight * slope
    return gradient
""",
        judge=_judge_chain_gradient,
    ),
    Exercise(
        id="float32_depth",
        lesson="01",
        task="At which depth is the product of slopes 0.25 exactly 0 in float32, for the first time?",
        hints=(
            "Begin with `np.float32(1)` and multiply by `np.float32(0.25)` until the result equals 0; count.",
            "The smallest number of float32 is 2⁻¹⁴⁹, and a quarter is 2⁻². Half of the smallest is rounded to 0.",
        ),
        solution="""\
import numpy as np

product, float32_depth = np.float32(1), 0
while product > 0:
    product = product * np.float32(0.25)
    float32_depth += 1
""",
        judge=_judge_float32_depth,
    ),
    Exercise(
        id="silu_slope",
        lesson="02",
        task="Write `silu_slope(z)`, the slope of SiLU(z) = z·σ(z), for a number or an array.",
        hints=(
            "SiLU is a product of two functions of z. The product rule has two terms.",
            "The slope of the sigmoid is σ(z)·(1 − σ(z)).",
            "σ(z) + z·σ(z)·(1 − σ(z)).",
        ),
        solution="""\
import numpy as np

def silu_slope(z):
    s = 1 / (1 + np.exp(-z))
    return s + z * s * (1 - s)
""",
        judge=_judge_silu_slope,
    ),
    Exercise(
        id="per_layer_factor",
        lesson="02",
        task="Write `per_layer_factor(z, weight_variance)` for a sigmoid layer whose pre-activations are the array z.",
        hints=(
            "The squared norm of the signal is multiplied by the weight variance times the mean of slope².",
            "Compute the slope at each z, square each, take the mean. The norm has the root of the factor.",
        ),
        solution="""\
import numpy as np

def per_layer_factor(z, weight_variance):
    s = 1 / (1 + np.exp(-z))
    slope = s * (1 - s)
    return np.sqrt(weight_variance * np.mean(slope**2))
""",
        judge=_judge_per_layer_factor,
    ),
    Exercise(
        id="predict_factor",
        lesson="03",
        task="Write `predict_factor(gain)`: the per-layer factor of a deep sigmoid net of weight variance gain²/N.",
        hints=(
            "First find the variance q of the pre-activations: q is gain² times the mean of σ(z)² for z ~ N(0, q).",
            "Begin with q = 1 and put it in again and again until it stays; 100 rounds are enough.",
            "A mean under a bell is a weighted sum on a grid x: `bell = np.exp(-x**2 / 2)`, `bell /= bell.sum()`, "
            "and z = √q·x.",
        ),
        solution="""\
import numpy as np

def predict_factor(gain):
    x = np.linspace(-8, 8, 2001)
    bell = np.exp(-x**2 / 2) / np.exp(-x**2 / 2).sum()
    q = 1.0
    for _ in range(100):
        s = 1 / (1 + np.exp(-np.sqrt(q) * x))
        q = gain**2 * (bell * s**2).sum()
    return gain * np.sqrt((bell * (s * (1 - s))**2).sum())
""",
        judge=_judge_predict_factor,
    ),
    Exercise(
        id="critical_gain",
        lesson="03",
        task="Find the gain at which a deep sigmoid net neither shrinks nor grows its gradients.",
        hints=(
            "Call your `predict_factor` for gains from 1 to 20. Where does it cross 1?",
            "Bisect: keep a gain that is too low and one that is too high, and try the middle of the two.",
        ),
        solution="""\
from helpers.theory import per_layer_factor

low, high = 1.0, 20.0
for _ in range(40):
    critical_gain = (low + high) / 2
    if per_layer_factor("sigmoid", critical_gain**2) < 1:
        low = critical_gain
    else:
        high = critical_gain
""",
        judge=_judge_critical_gain,
    ),
)

EXERCISES: Mapping[str, Exercise] = {exercise.id: exercise for exercise in _ALL}
"""All exercises by id; the id is the name of the function or number that the learner writes."""
