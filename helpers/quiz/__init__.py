"""Questions and how they are graded; nothing here draws or stores.

A bank is a JSON file in `data/quiz/`, one a lesson, in the shape that jupyterquiz reads (`multiple_choice` and
`numeric`), with a few fields of our own. `data/quiz/schema.json` describes it. A numeric answer may name a `key`: a
function of `KEYS` that computes the value from the engine and the closed forms, so that no key drifts from the truth.
"""

from __future__ import annotations

from helpers.quiz.banks import BANKS, BankError, available_lessons, load_bank, load_predictions
from helpers.quiz.grading import MAX_ANSWER_LENGTH, Grade, grade, read_number
from helpers.quiz.keys import KEYS, compute_key
from helpers.quiz.predictions import Comparison, compare_prediction, say_number
from helpers.quiz.questions import Answer, Prediction, Question

__all__ = [
    "BANKS",
    "BankError",
    "Answer",
    "Comparison",
    "Grade",
    "KEYS",
    "MAX_ANSWER_LENGTH",
    "Prediction",
    "Question",
    "available_lessons",
    "compare_prediction",
    "compute_key",
    "grade",
    "load_bank",
    "load_predictions",
    "read_number",
    "say_number",
]
