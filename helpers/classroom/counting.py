"""Count what a class answered: per question, per prediction, and per learner and lesson."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from helpers.classroom.parts import LessonParts, lesson_parts
from helpers.classroom.records import Learner
from helpers.quiz import (
    Answer,
    Prediction,
    Question,
    available_lessons,
    for_each_prediction,
    format_number,
    grade,
    instantiate,
    load_banks,
    load_predictions,
    read_number,
)
from helpers.quiz.text import shortened

Row = Mapping[str, Any]

FEWEST = 2
"""The fewest wrong answers for which a question is proposed for the next class."""
Z_90 = 1.645
"""Quantile of the normal distribution for a two-sided interval of 90 %."""
SMALLEST_DECADE, LARGEST_DECADE = -320, 300
"""The range of powers of ten in a histogram; predictions beyond it are counted at its ends."""
MOST_PROPOSED = 10
"""The most questions that are proposed."""
MOST_BARS = 16
"""The most bars of a histogram of numbers."""


@dataclass(frozen=True)
class Mistake:
    """A wrong answer, its feedback, and how many learners gave it at their first try."""

    answer: str
    feedback: str
    learners: int


@dataclass(frozen=True)
class QuestionResult:
    """How a class answered one question.

    asked: learners with at least one answer; right_first, right_last: those whose first, or last, answer was right.
    mistakes: the wrong first answers, the most common first. An answer to a question with several choices may contain
    several mistakes.
    """

    question: Question
    asked: int
    right_first: int
    right_last: int
    mistakes: tuple[Mistake, ...] = ()

    @property
    def commonest(self) -> tuple[Mistake, ...]:
        """The most common mistake, or several if they were equally common."""
        return tuple(each for each in self.mistakes if each.learners == self.mistakes[0].learners)

    @property
    def still_wrong(self) -> int:
        """The number of learners whose last answer is wrong."""
        return self.asked - self.right_last

    @property
    def least_share_wrong(self) -> float:
        """A lower bound for the share of wrong last answers, with 95 % confidence.

        The lower end of Wilson's score interval (E. B. Wilson, JASA 22, 1927, p. 209), by which two of two count for
        less than twenty of twenty-five.
        """
        share, per_learner = self.still_wrong / self.asked, Z_90**2 / self.asked
        spread = Z_90 * math.sqrt(share * (1 - share) / self.asked + per_learner / (4 * self.asked))
        return max(0.0, (share + per_learner / 2 - spread) / (1 + per_learner))


@dataclass(frozen=True)
class PredictionResult:
    """The first predictions of a class: how many learners gave each answer, in the order of a histogram."""

    prediction: Prediction
    bars: tuple[tuple[str, int], ...]

    @property
    def learners(self) -> int:
        """The number of learners who predicted."""
        return sum(count for _, count in self.bars)


@dataclass(frozen=True)
class LearnerLesson:
    """How much of a lesson's `parts` a learner has done; `right` counts last answers, `seconds` is the time spent."""

    predicted: int
    solved: int
    answered: int
    right: int
    seconds: float
    parts: LessonParts

    @property
    def share(self) -> float:
        """The share of the predictions, exercises and questions done; any answer counts for a question."""
        whole = len(self.parts.predictions) + len(self.parts.exercises) + len(self.parts.questions)
        return (self.predicted + self.solved + self.answered) / whole if whole else 0.0


@dataclass(frozen=True)
class ClassResults:
    """All counts. `lessons` maps names of learners to the lessons that they have begun; `unknown` is the number of
    entries for questions, predictions and exercises that this version of the course doesn't have."""

    questions: tuple[QuestionResult, ...]
    predictions: tuple[PredictionResult, ...]
    lessons: Mapping[str, Mapping[str, LearnerLesson]]
    unknown: int


def results(learners: Sequence[Learner], lessons: Sequence[str] = ()) -> ClassResults:
    """Count the entries of the records, for all lessons or those given by two-digit number."""
    chosen = [lesson for lesson in available_lessons() if not lessons or lesson in lessons]
    questions = {question.id: question for question in load_banks(chosen)}
    predictions = {each.id: each for each in load_predictions().values() if each.lesson in chosen}
    answered = [(learner, _by(learner.rows["answer"], "question")) for learner in learners]
    predicted = [_by(learner.rows["prediction"], "prediction") for learner in learners]
    parts = {lesson: lesson_parts(lesson) for lesson in chosen}
    return ClassResults(
        questions=tuple(
            _question_result(question, [given[name] for _, given in answered if name in given])
            for name, question in questions.items()
            if any(name in given for _, given in answered)
        ),
        predictions=tuple(
            PredictionResult(
                each, COUNTS[each.type](each, [given[name][0]["given"] for given in predicted if name in given])
            )
            for name, each in predictions.items()
            if any(name in given for given in predicted)
        ),
        lessons={learner.name: dict(_lessons_of(learner, parts)) for learner in learners},
        unknown=sum(_unknown(learner, chosen, parts) for learner in learners),
    )


def to_take_up(found: ClassResults) -> tuple[QuestionResult, ...]:
    """The questions to take up again in the next class, ordered by `least_share_wrong`, the largest first."""
    missed = [each for each in found.questions if each.still_wrong >= FEWEST]
    return tuple(sorted(missed, key=lambda each: (-each.least_share_wrong, each.question.id))[:MOST_PROPOSED])


def _by(rows: Sequence[Row], column: str) -> dict[str, list[Row]]:
    """Rows grouped by the value of a column."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[column]].append(row)
    return dict(found)


# Questions -----------------------------------------------------------------------------------------------------------


def _question_result(question: Question, tries: Sequence[Sequence[Row]]) -> QuestionResult:
    counts: Counter[tuple[int, str]] = Counter()
    words: dict[tuple[int, str], tuple[str, str]] = {}
    for first, *_ in tries:
        if not first["correct"]:
            for key, answer, feedback in _mistakes(question, first):
                counts[key] += 1
                words.setdefault(key, (answer, feedback))
    return QuestionResult(
        question=question,
        asked=len(tries),
        right_first=sum(first["correct"] for first, *_ in tries),
        right_last=sum(each[-1]["correct"] for each in tries),
        mistakes=tuple(Mistake(*words[key], count) for key, count in counts.most_common()),
    )


def _mistakes(question: Question, row: Row) -> Iterator[tuple[tuple[int, str], str, str]]:
    """Yield the bank's answers that a wrong answer contains by mistake or lacks: a key, the answer, its feedback.

    An answer that the bank no longer has is yielded as given, without feedback.
    """
    asked = instantiate(question, row["seed"]) if row["seed"] is not None else question
    verdict = grade(asked, row["given"])
    places = [place for place, answer in enumerate(asked.answers) if answer.feedback in verdict.feedback]
    if not verdict.understood or verdict.correct or not places:
        given = _given_text(row["given"])
        yield (-1, given), given, ""
        return
    for place in places:
        answer = asked.answers[place]
        yield (place, ""), _answer_text(asked, answer, verdict.missing), answer.feedback


def _answer_text(question: Question, answer: Answer, missing: Sequence[str]) -> str:
    if answer.text:
        return f"left out: {answer.text}" if answer.text in missing else answer.text
    number = answer.number()
    if number is not None:
        return f"{format_number(number)} {question.unit}".strip()
    if answer.range is not None:
        return f"from {format_number(answer.range[0])} to {format_number(answer.range[1])} {question.unit}".strip()
    return "another number"


def _given_text(given: Any) -> str:
    if isinstance(given, Mapping):
        given = given.get("text", "")
    return shortened("; ".join(map(str, given)) if isinstance(given, list) else str(given), 120)


# Predictions ---------------------------------------------------------------------------------------------------------


def _options(prediction: Prediction, given: Sequence[Any]) -> tuple[tuple[str, int], ...]:
    """The options in their order, including those that nobody chose, then answers that are no longer options."""
    counts = Counter(map(str, given))
    known = [(option, counts.pop(option, 0)) for option in prediction.options]
    return (*known, *counts.most_common())


def _orders(prediction: Prediction, given: Sequence[Any]) -> tuple[tuple[str, int], ...]:
    counts = Counter(", ".join(map(str, each)) if isinstance(each, list) else str(each) for each in given)
    return tuple(counts.most_common())


def _decades(prediction: Prediction, given: Sequence[Any]) -> tuple[tuple[str, int], ...]:
    """Numbers counted by power of ten, including empty bars between them; then answers that aren't positive numbers."""
    counts: Counter[int] = Counter()
    others: Counter[str] = Counter()
    for each in given:
        try:
            number = read_number(each, unit=prediction.unit)
        except ValueError:
            others["can't be read"] += 1
            continue
        if number > 0:
            counts[min(max(math.floor(math.log10(number) + 1e-9), SMALLEST_DECADE), LARGEST_DECADE)] += 1
        else:
            others["zero or less"] += 1
    return (*_bars(counts), *others.items())


def _bars(counts: Mapping[int, int]) -> Iterator[tuple[str, int]]:
    """At most `MOST_BARS` bars that cover all numbers, each the same number of powers of ten wide."""
    if not counts:
        return
    low, high = min(counts), max(counts)
    width = (high - low) // MOST_BARS + 1
    for start in range(low, high + 1, width):
        count = sum(counts.get(place, 0) for place in range(start, start + width))
        yield f"{_power(start)} to {_power(start + width)}", count


COUNTS = for_each_prediction(
    "helpers/classroom/counting.py",
    {"choice": _options, "order": _orders, "scale": _decades, "number": _decades},
)
"""For each type of prediction, the function that counts the answers."""


def _power(place: int) -> str:
    return format_number(10.0**place) if place > SMALLEST_DECADE else "0"


# Lessons -------------------------------------------------------------------------------------------------------------


def _lessons_of(learner: Learner, parts: Mapping[str, LessonParts]) -> Iterator[tuple[str, LearnerLesson]]:
    """The lessons that a learner has begun, and how much of each is done."""
    for lesson, mine in parts.items():
        rows = {
            table: [row for row in learner.rows[table] if row["lesson"] == lesson]
            for table in ("answer", "prediction", "exercise")
        }
        if not any(rows.values()):
            continue
        last = {row["question"]: row["correct"] for row in rows["answer"]}
        yield (
            lesson,
            LearnerLesson(
                predicted=len({row["prediction"] for row in rows["prediction"]} & mine.predictions),
                solved=len({row["exercise"] for row in rows["exercise"] if row["correct"]} & mine.exercises),
                answered=len(last.keys() & mine.questions),
                right=len({question for question, correct in last.items() if correct} & mine.questions),
                seconds=sum(row["seconds"] for each in rows.values() for row in each),
                parts=mine,
            ),
        )


def _unknown(learner: Learner, chosen: Sequence[str], parts: Mapping[str, LessonParts]) -> int:
    """The number of entries for things that this version of the course lacks; lessons not chosen don't count."""
    columns = {"answer": "question", "prediction": "prediction", "exercise": "exercise"}
    others = set(available_lessons()) - set(chosen)
    return sum(
        row["lesson"] not in others
        and (row["lesson"] not in parts or row[column] not in getattr(parts[row["lesson"]], f"{column}s"))
        for table, column in columns.items()
        for row in learner.rows[table]
    )
