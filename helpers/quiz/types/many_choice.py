"""Several answers, some of them correct, but not all."""

from __future__ import annotations

from helpers.quiz.faults import Fault
from helpers.quiz.grading import not_understood, places_of, quoted
from helpers.quiz.questions import Answer, Grade, Question, QuestionType, register


def _check(question: Question) -> None:
    correct = sum(answer.correct for answer in question.answers)
    if not 0 < correct < len(question.answers):
        raise Fault(f"field answers: {correct} of {len(question.answers)} are correct; some must be, not all")


def _grade(question: Question, given: object) -> Grade:
    places = places_of(question, given)
    if not places:
        return not_understood("Choose at least one of the answers first.")
    picked = [place in places for place in range(len(question.answers))]
    pairs = list(zip(question.answers, picked, strict=True))
    wrong = [answer for answer, is_picked in pairs if is_picked and not answer.correct]
    missing = [answer for answer, is_picked in pairs if answer.correct and not is_picked]
    if not wrong and not missing:
        return Grade(True, " ".join(answer.feedback for answer in question.answers if answer.correct), fraction=1.0)
    lines = [f"Not this one: {quoted(answer)}" for answer in wrong] + [f"Missing: {quoted(a)}" for a in missing]
    state = next((answer.try_state for answer in [*wrong, *missing] if answer.try_state), {})
    return Grade(
        correct=False,
        feedback="\n".join(lines),
        try_state=state,
        fraction=sum(answer.correct == is_picked for answer, is_picked in pairs) / len(pairs),
        wrong=tuple(answer.text for answer in wrong),
        missing=tuple(answer.text for answer in missing),
    )


def _right_answer(question: Question) -> list[str]:
    return [answer.text for answer in question.answers if answer.correct]


def _share(question: Question, answer: Answer) -> float:
    """Correct answers share +1 equally and wrong ones share -1, so that ticking every answer earns 0."""
    alike = sum(each.correct == answer.correct for each in question.answers)
    return (1 if answer.correct else -1) / alike


MANY_CHOICE = register(
    QuestionType(
        name="many_choice",
        fields={"required": ["answers"], "properties": {"answers": {"$ref": "#/definitions/choices"}}},
        check=_check,
        grade=_grade,
        right_answer=_right_answer,
        in_words="; ".join,
        share=_share,
        is_mixed=True,
    )
)
