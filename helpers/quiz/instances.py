"""From an entry of a bank to a question that can be asked: a seed chooses the values, the key follows from them.

An entry with `draw` is a template: `{depth}` stands for the value drawn for depth, in texts as a reader writes it, as
an argument of a key as it is. In the feedback of an answer with a key `{value}` is its own number, `{right}` the right
one. Of a profile question the seed also chooses which of the networks is drawn.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from helpers.network import NetworkSpec
from helpers.quiz.numbers import say_number
from helpers.quiz.questions import Answer, Question

_NAME = re.compile(r"\{([a-z_]+)\}")


def instantiate(question: Question, seed: int) -> Question:
    """The same question with the values that `seed` draws; one that draws nothing stays as it is."""
    return build(question.entry, seed) if question.varies else question


def another(question: Question) -> Question:
    """The instance of the next seed that asks something else; one that draws nothing stays as it is."""
    if not question.varies:
        return question
    others = (build(question.entry, seed) for seed in itertools.count(question.seed + 1))
    return next(each for each in others if (each.text, each.network) != (question.text, question.network))


def build(entry: Mapping[str, Any], seed: int = 0) -> Question:
    """Make a question of a valid entry of a bank."""
    dice = random.Random(f"{entry['id']} {seed}")
    drawn = {name: dice.choice(values) for name, values in sorted(entry.get("draw", {}).items())}
    filled = _filled(entry, drawn) if drawn else entry
    kind = entry["type"]
    if kind == "profile":
        answers = _networks(filled, dice.randrange(len(filled["answers"])))
    elif kind == "open":
        answers = tuple(_answer({**point, "answer": point["point"]}) for point in filled["rubric"])
    else:
        answers = tuple(_answer(answer) for answer in filled["answers"])
    return Question(
        id=entry["id"],
        type=kind,
        text=filled["question"],
        answers=_with_numbers(answers) if drawn else answers,
        code=filled.get("code", ""),
        unit=filled.get("unit", ""),
        precision=entry.get("precision"),
        tolerance=entry.get("tolerance"),
        feedback=filled.get("feedback", ""),
        model=filled.get("model", ""),
        shows=entry.get("shows", "signal"),
        seed=seed,
        entry=entry,
    )


def names_in(thing: Any) -> set[str]:
    """All names in braces in the texts of an entry."""
    if isinstance(thing, str):
        return set(_NAME.findall(thing))
    if isinstance(thing, Mapping):
        return set().union(*(names_in(part) for name, part in thing.items() if name != "draw"))
    return set().union(*(names_in(part) for part in thing)) if isinstance(thing, list) else set()


def _filled(thing: Any, drawn: Mapping[str, Any]) -> Any:
    """`thing` with the drawn values in the place of their names."""
    if isinstance(thing, str):
        alone = _NAME.fullmatch(thing)
        if alone and alone[1] in drawn:
            return _plain(drawn[alone[1]])
        return _NAME.sub(lambda found: _said(drawn[found[1]]) if found[1] in drawn else found[0], thing)
    if isinstance(thing, Mapping):
        return {name: part if name == "draw" else _filled(part, drawn) for name, part in thing.items()}
    return [_filled(part, drawn) for part in thing] if isinstance(thing, list) else thing


def _plain(value: Any) -> Any:
    return value["value"] if isinstance(value, Mapping) else value


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(value["said"])
    return value if isinstance(value, str) else say_number(value)


def _answer(entry: Mapping[str, Any]) -> Answer:
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


def _with_numbers(answers: tuple[Answer, ...]) -> tuple[Answer, ...]:
    """The answers with `{value}` and `{right}` in their feedback filled in."""

    def told(answer: Answer) -> Answer:
        wanted = names_in(answer.feedback)
        numbers = {}
        if "value" in wanted:
            numbers["value"] = answer.number()
        if "right" in wanted:
            numbers["right"] = next(each.number() for each in answers if each.correct)
        return replace(answer, feedback=_filled(answer.feedback, numbers)) if numbers else answer

    return tuple(told(answer) for answer in answers)


def _networks(entry: Mapping[str, Any], right: int) -> tuple[Answer, ...]:
    """The networks to choose among; the hidden one has the feedback that says what gave it away."""
    return tuple(
        Answer(
            feedback=answer["feedback" if place == right else "otherwise"],
            correct=place == right,
            text=answer["answer"],
            try_state=answer.get("try", {}),
            network=_network({**entry["network"], **answer["network"]}),
        )
        for place, answer in enumerate(entry["answers"])
    )


def _network(settings: Mapping[str, Any]) -> NetworkSpec:
    """A network of these settings; PyTorch's default comes with the biases that it draws, N(0, 1/(3 width)) here."""
    spec = NetworkSpec(**settings)
    if spec.init == "pytorch_default" and "bias_std" not in settings:
        return replace(spec, bias_std=(3 * spec.width) ** -0.5)
    return spec
