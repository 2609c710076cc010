"""Turn an entry of a bank into a question that can be asked: a seed chooses the values, the key follows from them.

An entry with `draw` is a template: `{depth}` stands for the value drawn for depth, formatted for a reader in texts and
unchanged as an argument of a key. In the feedback of an answer with a key, `{value}` is its own number and `{right}`
the right one. The seed also chooses which network a profile question shows, and in which order the answers appear where
they are to be chosen or put in order.
"""

from __future__ import annotations

import itertools
import math
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from helpers.quiz.mixing import mixed_places
from helpers.quiz.numbers import format_number
from helpers.quiz.questions import TYPES, Answer, Question

_NAME = re.compile(r"\{([a-z_]+)\}")
_TRIES = 1000
TAKE_VALUES = ("arguments", "network", "try")
"""Fields of an entry in which a name in braces stands for the unformatted value."""


def instantiate(question: Question, seed: int) -> Question:
    """Return the same question with the values and the order of answers that `seed` draws."""
    if question.varies:
        return build(question.entry, seed)
    return replace(question, seed=seed, order=_order(question.type, question.id, len(question.answers), seed))


def another(question: Question) -> Question:
    """The instance for the next seed that asks something else.

    The question itself if it draws nothing, or if the next thousand seeds all ask the same.
    """
    if not question.varies:
        return question
    others = (build(question.entry, question.seed + step) for step in range(1, _TRIES + 1))
    return next(
        (
            each
            for each in others
            if (each.text, each.code, each.network) != (question.text, question.code, question.network)
        ),
        question,
    )


def build(entry: Mapping[str, Any], seed: int = 0) -> Question:
    """Make a question from a valid entry of a bank."""
    dice = random.Random(f"{entry['id']} {seed}")
    drawn = {name: dice.choice(values) for name, values in sorted(entry.get("draw", {}).items())}
    question = _instance(entry, drawn, dice, seed)
    return replace(question, answers=_with_numbers(question.answers)) if drawn else question


def count_draws(entry: Mapping[str, Any]) -> int:
    """The number of combinations of values that an entry can draw."""
    return math.prod(len(values) for values in entry.get("draw", {}).values())


def every_instance(entry: Mapping[str, Any]) -> Iterator[Question]:
    """Yield a question for each combination of values that an entry can draw; one for an entry without draws.

    `{value}` and `{right}` are left unfilled in the feedback, so that the check can name an answer without a number.
    """
    draw = entry.get("draw", {})
    for values in itertools.product(*draw.values()):
        yield _instance(entry, dict(zip(draw, values, strict=True)), random.Random(0), 0)


def names_in(thing: Any) -> set[str]:
    """All names in braces in the texts of an entry."""
    if isinstance(thing, str):
        return set(_NAME.findall(thing))
    if isinstance(thing, Mapping):
        return set().union(*(names_in(part) for name, part in thing.items() if name != "draw"))
    return set().union(*(names_in(part) for part in thing)) if isinstance(thing, list) else set()


def format_drawn(value: Any) -> str:
    """A drawn value, formatted for a text."""
    if isinstance(value, Mapping):
        return str(value["said"])
    return value if isinstance(value, str) else format_number(value)


def plain_value(value: Any) -> Any:
    """A drawn value as it is passed to a key or a network."""
    return value["value"] if isinstance(value, Mapping) else value


def _instance(entry: Mapping[str, Any], drawn: Mapping[str, Any], dice: random.Random, seed: int) -> Question:
    filled = _filled(entry, drawn) if drawn else entry
    answers = TYPES[entry["type"]].answers(filled, dice)
    return Question(
        id=entry["id"],
        type=entry["type"],
        text=filled["question"],
        answers=answers,
        needs=entry.get("needs", ""),
        code=filled.get("code", ""),
        unit=filled.get("unit", ""),
        precision=entry.get("precision"),
        tolerance=entry.get("tolerance"),
        feedback=filled.get("feedback", ""),
        model=filled.get("model", ""),
        shows=entry.get("shows", "signal"),
        seed=seed,
        order=_order(entry["type"], entry["id"], len(answers), seed),
        entry=entry,
    )


def _order(kind: str, name: str, count: int, seed: int) -> tuple[int, ...]:
    """The indices of the answers in the order shown; empty where the bank's order is kept."""
    if not TYPES[kind].is_mixed:
        return ()
    return mixed_places(count, seed, name, may_stay=not TYPES[kind].hides_order)


def _filled(thing: Any, drawn: Mapping[str, Any], takes_values: bool = False) -> Any:
    """`thing` with the names in braces replaced by the drawn values.

    Within the fields of TAKE_VALUES a text that is only a name becomes the value itself; elsewhere it stays a text.
    """
    if isinstance(thing, str):
        alone = _NAME.fullmatch(thing)
        if takes_values and alone and alone[1] in drawn:
            return plain_value(drawn[alone[1]])
        return _NAME.sub(lambda found: format_drawn(drawn[found[1]]) if found[1] in drawn else found[0], thing)
    if isinstance(thing, Mapping):
        return {
            name: part if name == "draw" else _filled(part, drawn, takes_values or name in TAKE_VALUES)
            for name, part in thing.items()
        }
    return [_filled(part, drawn, takes_values) for part in thing] if isinstance(thing, list) else thing


def _with_numbers(answers: tuple[Answer, ...]) -> tuple[Answer, ...]:
    """The answers with `{value}` and `{right}` in their feedback filled in."""

    def filled_in(answer: Answer) -> Answer:
        wanted = names_in(answer.feedback)
        numbers = {}
        if "value" in wanted:
            numbers["value"] = answer.number()
        if "right" in wanted:
            numbers["right"] = next(each.number() for each in answers if each.correct)
        return replace(answer, feedback=_filled(answer.feedback, numbers)) if numbers else answer

    return tuple(filled_in(answer) for answer in answers)
