"""Questions and how they are graded; nothing here draws or stores.

A bank is a JSON file in `data/quiz/`, one a lesson, in the shape that jupyterquiz reads (`multiple_choice` and
`numeric`), with a few fields of our own. `data/quiz/schema.json` describes it. A numeric answer may name a `key`: a
function of `KEYS` that computes the value from the engine and the closed forms, so that no key drifts from the truth.
"""

from __future__ import annotations

import functools
import inspect
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import fastjsonschema  # type: ignore[import-untyped]
import numpy as np

from helpers import theory
from helpers.activations import get_activation

BANKS = Path(__file__).resolve().parent.parent / "data" / "quiz"

LESSONS: Mapping[str, str] = {
    "00": "Start here",
    "01": "What is a vanishing gradient?",
    "02": "Where the factor comes from: activation derivatives",
    "03": "Deep sigmoid networks",
    "04": "ReLU",
    "05": "Initialization",
    "06": "Batch normalization",
    "07": "Residual networks",
    "08": "Recurrent networks and LSTMs",
    "09": "GANs",
    "10": "Gradient clipping",
    "11": "Your own network",
}
"""Title of every lesson by its two-digit number."""

MAX_ANSWER_LENGTH = 200


class BankError(ValueError):
    """A file in `data/quiz/` that is missing, damaged or not as the schema wants it; the message says where."""


@dataclass(frozen=True)
class Answer:
    """One answer of a question: a choice, a number, a range of numbers, or `default` (any other number)."""

    feedback: str
    correct: bool = False
    text: str = ""
    value: float | None = None
    range: tuple[float, float] | None = None
    default: bool = False
    key: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    try_state: Mapping[str, Any] = field(default_factory=dict)

    def number(self) -> float | None:
        """The number this answer stands for: computed where it has a key, else as written in the bank."""
        if self.key is None:
            return self.value
        return compute_key(self.key, **self.arguments)


@dataclass(frozen=True)
class Question:
    """One question of a bank. `tolerance` is relative; without it `precision` counts significant digits."""

    id: str
    type: str
    text: str
    answers: tuple[Answer, ...]
    code: str = ""
    unit: str = ""
    precision: int | None = None
    tolerance: float | None = None

    @property
    def lesson(self) -> str:
        """Two-digit number of the lesson."""
        return self.id[:2]


@dataclass(frozen=True)
class Grade:
    """What `grade` found. `understood` is False where no answer could be read; such a try counts for nothing.

    `try_state` maps names of the panel's controls to values at which the reader can see why.
    """

    correct: bool
    feedback: str
    understood: bool = True
    try_state: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Prediction:
    """A question asked before anything is shown. `low` and `high` are powers of ten (type `scale`)."""

    id: str
    type: str
    question: str
    outcome: str
    options: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    unit: str = ""

    @property
    def lesson(self) -> str:
        """Two-digit number of the lesson."""
        return self.id[:2]


# Keys ----------------------------------------------------------------------------------------------------------------


def _largest_slope(activation: str) -> float:
    return get_activation(activation).max_slope


def _slope(activation: str, z: float) -> float:
    return float(get_activation(activation).slope(z))


def _power(base: float, exponent: float) -> float:
    return float(base**exponent)


def _mean_square_slope(activation: str, variance: float = 1.0) -> float:
    return float(theory.mean_square_slope(activation, variance))


def _per_layer_factor(
    activation: str, weight_variance: float, bias_variance: float = 0.0, layers: float = 1.0
) -> float:
    """The factor of one layer, or of several: to the power of `layers`."""
    return float(theory.per_layer_factor(activation, weight_variance, bias_variance) ** layers)


def _critical_gain(activation: str) -> float:
    return float(theory.critical_gain(activation))


def _chain(activation: str, depth: int, weight: float = 1.0, preactivation: float = 0.0) -> float:
    """Derivative of a chain's output by its input: (weight · slope) ** depth."""
    return float(theory.chain_gradient(activation, depth, weight, preactivation)[-1])


def _steps(gradient: float, distance: float = 0.01, learning_rate: float = 0.1) -> float:
    return float(theory.steps_to_move(gradient, distance=distance, learning_rate=learning_rate))


def _zero_depth(factor: float, dtype: str = "float32") -> float:
    """The number of factors after which their running product is exactly 0 in the given float type."""
    kind = np.dtype(dtype).type
    product, depth = kind(1), 0
    while product != 0:
        product, depth = kind(product * kind(factor)), depth + 1
    return float(depth)


def _depth_until(activation: str, weight_variance: float, ratio: float) -> float:
    """The least depth at which the first layer's signal is below `ratio` of the last one's, at a steady factor."""
    steps = math.log(ratio) / math.log(theory.per_layer_factor(activation, weight_variance))
    return float(math.floor(steps) + 2)  # a network of depth L has L - 1 steps


KEYS: Mapping[str, Callable[..., float]] = {
    "largest_slope": _largest_slope,
    "slope": _slope,
    "power": _power,
    "mean_square_slope": _mean_square_slope,
    "per_layer_factor": _per_layer_factor,
    "critical_gain": _critical_gain,
    "chain": _chain,
    "steps": _steps,
    "zero_depth": _zero_depth,
    "depth_until": _depth_until,
}
"""The functions that a numeric answer may name as its `key`; `arguments` in the bank are theirs."""


@functools.cache
def _computed(key: str, arguments: tuple[tuple[str, Any], ...]) -> float:
    return float(KEYS[key](**dict(arguments)))


def compute_key(key: str, **arguments: Any) -> float:
    """Compute the number that the function `key` of `KEYS` gives; ValueError where there is none of that name."""
    if key not in KEYS:
        raise ValueError(f"key is {key!r}; it must be one of {', '.join(KEYS)}")
    return _computed(key, tuple(sorted(arguments.items())))


# Loading -------------------------------------------------------------------------------------------------------------


def available_lessons(folder: Path = BANKS) -> tuple[str, ...]:
    """Two-digit numbers of the lessons that have a bank, in order."""
    return tuple(sorted(path.name[:2] for path in folder.glob("[0-9][0-9]_*.json")))


def load_bank(lesson: str, folder: Path = BANKS) -> tuple[Question, ...]:
    """Read the questions of a lesson ("01" or "01_definition").

    Raises BankError, which names file, question and field, where the bank is missing, damaged or not valid.
    """
    path = _bank_path(lesson, folder)
    entries = _validated(path, "bank", folder)
    questions = tuple(_question(entry) for entry in entries)
    _refuse_twins(path, questions)
    for number, question in enumerate(questions, start=1):
        _check_meaning(f"{_shown(path)}, question {number} ({question.id})", path.name[:2], question)
    return questions


def load_predictions(folder: Path = BANKS) -> dict[str, Prediction]:
    """Read what the lessons ask before they show anything, by id; BankError as in `load_bank`."""
    path = folder / "predictions.json"
    entries = _validated(path, "predictions", folder)
    predictions = [Prediction(**{**entry, "options": tuple(entry.get("options", ()))}) for entry in entries]
    for number, prediction in enumerate(predictions, start=1):
        if prediction.type == "scale" and prediction.low >= prediction.high:
            raise BankError(
                f"{_shown(path)}, prediction {number} ({prediction.id}), field low: {prediction.low:g} must be "
                f"below high, {prediction.high:g}"
            )
    _refuse_twins(path, predictions)
    return {prediction.id: prediction for prediction in predictions}


def _bank_path(lesson: str, folder: Path) -> Path:
    """The file of a lesson's bank, by its number or by its whole name."""
    found = sorted(folder.glob(f"{lesson[:2]}_*.json")) if re.fullmatch(r"\d\d(_\w+)?", lesson) else []
    for path in found:
        if lesson in (path.stem, path.stem[:2]):
            return path
    if re.fullmatch(r"\d\d_\w+", lesson):
        raise _missing(folder / f"{lesson}.json")
    raise BankError(
        f"lesson is {lesson!r}; there are banks for {', '.join(available_lessons(folder)) or 'no lesson'} in "
        f"{_shown(folder)}. A missing one is restored by: git checkout -- data/quiz"
    )


def _validated(path: Path, definition: str, folder: Path) -> list[dict[str, Any]]:
    """The file's content, held against one definition of the schema."""
    content = _read_json(path)
    try:
        _validator(folder / "schema.json", definition)(content)
    except fastjsonschema.JsonSchemaValueException as error:
        where = [int(step) if step.isdigit() else step for step in error.path[1:]]
        reason = error.message.removeprefix(error.name or "").strip()
        raise BankError(f"{_place(path, content, where)}: {_short(reason)}") from None
    return list(content)


def _validator(path: Path, definition: str) -> Callable[[Any], Any]:
    schema = _read_json(path)
    try:
        part = {**schema, "$ref": f"#/definitions/{definition}"}
        return cast(Callable[[Any], Any], fastjsonschema.compile(part, use_default=False, use_formats=False))
    except (TypeError, AttributeError, fastjsonschema.JsonSchemaException) as error:
        raise BankError(f"{_shown(path)} is damaged ({error}). {_remedy(path)}") from None


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _missing(path) from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise BankError(f"{_shown(path)} is damaged ({error}). {_remedy(path)}") from None


def _missing(path: Path) -> BankError:
    return BankError(f"{_shown(path)} is missing. {_remedy(path)}")


def _remedy(path: Path) -> str:
    return f"To restore it: git checkout -- data/quiz/{path.name}"


def _shown(path: Path) -> str:
    """A path as the reader of an error knows it: from the course folder on where it lies in there."""
    root = BANKS.parent.parent
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _short(text: str, length: int = 240) -> str:
    return text if len(text) <= length else f"{text[: length // 2]} … {text[-length // 2 :]}"


def _place(path: Path, content: Any, where: list[str | int]) -> str:
    """File, question and field, in words."""
    if not where:
        return _shown(path)
    entry = content[where[0]]
    name = entry.get("id") if isinstance(entry, dict) else None
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in where[1:]).lstrip(".")
    return (
        f"{_shown(path)}, question {int(where[0]) + 1}"
        + (f" ({_short(str(name), 40)})" if name else "")
        + (f", field {steps}" if steps else "")
    )


def _question(entry: dict[str, Any]) -> Question:
    return Question(
        id=entry["id"],
        type=entry["type"],
        text=entry["question"],
        answers=tuple(_answer(answer) for answer in entry["answers"]),
        code=entry.get("code", ""),
        unit=entry.get("unit", ""),
        precision=entry.get("precision"),
        tolerance=entry.get("tolerance"),
    )


def _answer(entry: dict[str, Any]) -> Answer:
    bounds = entry.get("range")
    return Answer(
        feedback=entry["feedback"],
        correct=entry.get("correct", False),
        text=entry.get("answer", ""),
        value=entry.get("value"),
        range=(bounds[0], bounds[1]) if bounds else None,
        default=entry.get("type") == "default",
        key=entry.get("key"),
        arguments=entry.get("arguments", {}),
        try_state=entry.get("try", {}),
    )


def _refuse_twins(path: Path, entries: Sequence[Question | Prediction]) -> None:
    seen: set[str] = set()
    for number, entry in enumerate(entries, start=1):
        if entry.id in seen:
            raise BankError(f"{_shown(path)}, question {number}, field id: {entry.id!r} is there twice")
        seen.add(entry.id)


def _check_meaning(place: str, lesson: str, question: Question) -> None:
    """What a schema can't say well: number of correct answers, kinds of numeric answers, keys and their arguments."""
    if question.lesson != lesson:
        raise BankError(f"{place}, field id: must begin with {lesson}-")
    correct = sum(answer.correct for answer in question.answers)
    if question.type == "multiple_choice":
        if correct != 1:
            raise BankError(f"{place}, field answers: {correct} of them are correct; it must be one")
        if len({answer.text for answer in question.answers}) < len(question.answers):
            raise BankError(f"{place}, field answers: two have the same text")
        return
    if correct == 0:
        raise BankError(f"{place}, field answers: none of them is correct")
    if sum(answer.default for answer in question.answers) != 1:
        raise BankError(f'{place}, field answers: exactly one must be {{"type": "default"}}, for any other number')
    for index, answer in enumerate(question.answers):
        _check_number(f"{place}, field answers[{index}]", answer)


def _check_number(place: str, answer: Answer) -> None:
    kinds = [answer.value is not None, answer.range is not None, answer.default]
    if sum(kinds) != 1:
        raise BankError(f'{place}: must have one of value, range, or "type": "default"')
    if answer.range is not None and not answer.range[0] < answer.range[1]:
        raise BankError(f"{place}.range: {list(answer.range)} must rise")
    if answer.key is None:
        return
    if answer.key not in KEYS:
        raise BankError(f"{place}.key: {answer.key!r} must be one of {', '.join(KEYS)}")
    try:
        inspect.signature(KEYS[answer.key]).bind(**answer.arguments)
        compute_key(answer.key, **answer.arguments)
    except (TypeError, ValueError) as error:
        raise BankError(f"{place}.arguments: {answer.key}: {error}") from None


# Grading -------------------------------------------------------------------------------------------------------------


def grade(question: Question, given: object) -> Grade:
    """Grade any answer at all; never raises, evaluates nothing as code.

    given: for multiple choice the answer's text or its place (from 0); for a number a number or a text such as
    "1e-6", "1×10^-6", "10⁻⁶", "0,25", "1/4" or "0.25^10", with or without the question's unit.
    """
    if question.type == "multiple_choice":
        return _grade_choice(question, given)
    try:
        number = read_number(given, unit=question.unit)
    except ValueError as error:
        return Grade(correct=False, feedback=str(error), understood=False)
    return _grade_of(_matching(question, number))


def _grade_of(answer: Answer) -> Grade:
    return Grade(correct=answer.correct, feedback=answer.feedback, try_state=answer.try_state)


def _grade_choice(question: Question, given: object) -> Grade:
    if isinstance(given, str):
        for answer in question.answers:
            if answer.text == given:
                return _grade_of(answer)
    elif isinstance(given, int | np.integer) and not isinstance(given, bool) and 0 <= given < len(question.answers):
        return _grade_of(question.answers[int(given)])
    return Grade(correct=False, feedback="Choose one of the answers first.", understood=False)


def _matching(question: Question, number: float) -> Answer:
    """The first answer of the bank that takes the number, else the default one."""
    for answer in question.answers:
        if answer.range is not None and answer.range[0] <= number < answer.range[1]:
            return answer
        expected = answer.number()
        if expected is not None and _agree(number, expected, question.tolerance, question.precision):
            return answer
    return next(answer for answer in question.answers if answer.default)


def _agree(number: float, expected: float, tolerance: float | None, precision: int | None) -> bool:
    if tolerance is not None:
        return abs(number - expected) <= tolerance * abs(expected)
    if precision is not None:
        return f"{number:.{precision - 1}e}" == f"{expected:.{precision - 1}e}"
    return math.isclose(number, expected, rel_tol=1e-9)


_PLAIN = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_FORMS: tuple[tuple[re.Pattern[str], Callable[[float, float], float]], ...] = (
    (re.compile(rf"({_PLAIN})()"), lambda number, _: number),
    (re.compile(rf"({_PLAIN})[×x·*⋅]10(?:\^|\*\*)([+-]?\d+)"), lambda mantissa, power: mantissa * 10.0**power),
    (re.compile(rf"({_PLAIN})(?:\^|\*\*)({_PLAIN})"), lambda base, power: base**power),
    (re.compile(rf"({_PLAIN})/({_PLAIN})"), lambda above, below: above / below),
)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_MINUSES = str.maketrans("−–‒﹣－", "-----")


def read_number(given: object, unit: str = "") -> float:
    """Read a finite number from a number or a text; ValueError, a sentence for the reader, where there is none.

    Takes 1e-6, 1×10^-6, 10⁻⁶, 0,25, 1/4, 0.25^10, a per cent sign, and the given unit behind it.
    """
    if isinstance(given, str):
        number = _parse(given, unit)
    elif isinstance(given, int | float | np.integer | np.floating) and not isinstance(given, bool):
        number = _as_float(given)
    else:
        raise ValueError("Write one number, for instance 0.25 or 1e-6.")
    if not math.isfinite(number):
        raise ValueError("That is not a finite number. Write one such as 0.25 or 1e-6.")
    return number


def _as_float(number: Any) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf


def _parse(text: str, unit: str) -> float:
    if len(text) > MAX_ANSWER_LENGTH:
        raise ValueError(f"That is longer than {MAX_ANSWER_LENGTH} characters. Write one number, such as 1e-6.")
    plain = text.strip()
    if not plain:
        raise ValueError("Write a number first, for instance 0.25 or 1e-6.")
    if unit and plain.endswith(unit):
        plain = plain[: -len(unit)]
    plain = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+", lambda found: "^" + found[0].translate(_SUPERSCRIPTS), plain)
    plain = re.sub(r"\s+", "", plain.translate(_MINUSES))
    scale = 1.0
    if plain.endswith("%"):
        plain, scale = plain[:-1], 0.01
    plain = _with_point(plain, text)
    for form, value in _FORMS:
        found = form.fullmatch(plain)
        if found:
            return scale * _evaluate(value, found[1], found[2])
    raise ValueError(f"“{_short(text.strip(), 40)}” is not a number I can read. Write it like 0.25, 1e-6 or 10^-6.")


def _with_point(plain: str, text: str) -> str:
    """A decimal comma made a point; refused where it might have been meant to part thousands."""
    if "," not in plain:
        return plain
    if "." in plain or re.search(r"(?<!\d)[1-9]\d{0,2},\d{3}(?!\d)", plain) or re.search(r",\d*,", plain):
        raise ValueError(f"Is “{_short(text.strip(), 40)}” a decimal comma? Write it with a point, such as 1000.5.")
    return plain.replace(",", ".")


def _evaluate(value: Callable[[float, float], float], first: str, second: str) -> float:
    try:
        result = value(float(first), float(second or 0))
    except OverflowError:
        return math.inf
    except ZeroDivisionError:
        raise ValueError("That divides by zero. Write a finite number.") from None
    return result if isinstance(result, float) else math.nan  # a negative base to a broken power is complex


# Predictions ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Comparison:
    """A prediction beside what was measured: `close` is None where nobody predicted."""

    close: bool | None
    sentence: str


def compare_prediction(prediction: Prediction, given: object, outcome: object) -> Comparison:
    """Set what was predicted (None: nothing) against what was measured.

    outcome: for `scale` and `number` the measured number, for `choice` the option that came true, for `order` a
    mapping from each option to its measured number (largest first is right). ValueError where it is none of these.
    """
    measure = {"choice": _compare_choice, "order": _compare_order}.get(prediction.type, _compare_numbers)
    return measure(prediction, given, outcome)


def say_number(number: float) -> str:
    """A number as a sentence carries it: 0.25, 12, 9.1e-13."""
    size = abs(number)
    if size == 0 or 1e-3 <= size < 99.5:
        return f"{number:.3g}"
    if 99.5 <= size < 1e5:
        return f"{number:.0f}"
    mantissa, exponent = f"{number:.1e}".split("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def _compare_numbers(prediction: Prediction, given: object, outcome: object) -> Comparison:
    measured = _finite_outcome(prediction, outcome)
    unit = f" {prediction.unit}" if prediction.unit else ""
    truth = f"{prediction.outcome}: {say_number(measured)}{unit}."
    if given is None:
        return Comparison(None, f"{truth} You made no prediction before; next time, dare one.")
    try:
        said = read_number(given)
    except ValueError:
        return Comparison(None, f"{truth} What you predicted could not be read.")
    if said > 0 and measured > 0:
        close, distance = _decades_apart(said, measured)
    else:
        close, distance = math.isclose(said, measured, rel_tol=0.1), "Compare the two."
        if close:
            distance = "Well predicted."
    return Comparison(close, f"You said {say_number(said)}{unit}. {truth} {distance}")


def _finite_outcome(prediction: Prediction, outcome: object) -> float:
    try:
        measured = float(outcome)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        measured = math.nan
    if not math.isfinite(measured):
        raise ValueError(f"outcome of prediction {prediction.id!r} is {_short(repr(outcome), 60)}; it must be a number")
    return measured


def _decades_apart(said: float, measured: float) -> tuple[bool, str]:
    decades = math.log10(said) - math.log10(measured)
    if abs(decades) <= math.log10(1.5):
        return True, "Well predicted."
    size = f"{10 ** abs(decades):.1f} times" if abs(decades) < 1 else f"{abs(decades):.1f} powers of ten"
    return abs(decades) <= 0.5, f"Your number was {size} too {'large' if decades > 0 else 'small'}."


def _compare_choice(prediction: Prediction, given: object, outcome: object) -> Comparison:
    if outcome not in prediction.options:
        raise ValueError(
            f"outcome of prediction {prediction.id!r} is {_short(repr(outcome), 60)}; "
            f"it must be one of {', '.join(prediction.options)}"
        )
    truth = f"{prediction.outcome}: {outcome}."
    if given is None:
        return Comparison(None, f"{truth} You made no prediction before; next time, dare one.")
    right = given == outcome
    return Comparison(right, f"You said: {given}. {truth}" + (" Well predicted." if right else ""))


def _compare_order(prediction: Prediction, given: object, outcome: object) -> Comparison:
    if not isinstance(outcome, Mapping) or set(outcome) != set(prediction.options):
        raise ValueError(
            f"outcome of prediction {prediction.id!r} is {_short(repr(outcome), 60)}; "
            f"it must map each of {', '.join(prediction.options)} to a number"
        )
    numbers = {name: float(value) for name, value in outcome.items()}
    ranked = sorted(numbers, key=lambda name: -numbers[name])
    truth = f"{prediction.outcome}: " + ", ".join(f"{name} {say_number(numbers[name])}" for name in ranked) + "."
    if not isinstance(given, list) or sorted(map(str, given)) != sorted(ranked):
        return Comparison(None, f"{truth} You made no prediction before; next time, dare one.")
    wrong = [(a, b) for i, a in enumerate(given) for b in given[i + 1 :] if numbers[a] < numbers[b] - 1e-9]
    said = f"You said: {', '.join(given)}."
    if not wrong:
        return Comparison(True, f"{said} {truth} Well predicted.")
    first, second = wrong[0]
    return Comparison(False, f"{said} {truth} You put {first} before {second}.")
