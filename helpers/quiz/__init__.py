"""Questions and how they are graded; nothing here draws or stores.

A bank is a JSON file in `data/quiz/`, one per lesson; `data/quiz/schema.json` and the files in `types/` describe its
form. The plain types (`multiple_choice`, `many_choice`, `numeric`) have the form that jupyterquiz reads, plus a few
fields of our own; `ordering`, `profile` (which network made this gradient profile?) and `open` (a model answer and a
rubric for self-grading) are ours. A numeric answer may name a `key`: a function in `KEYS` that computes the value from
the engine and the closed forms, so that the two can't disagree. `instantiate` draws other values for questions that
vary.
"""

from __future__ import annotations

from helpers.quiz.banks import BANKS, BankError, available_lessons, check_bank, load_bank, load_banks, load_predictions
from helpers.quiz.grading import agree, grade
from helpers.quiz.instances import another, instantiate
from helpers.quiz.keys import KEYS, compute_key
from helpers.quiz.numbers import format_number, read_number
from helpers.quiz.predictions import check_prediction, compare_prediction, describe_outcome, for_each_prediction
from helpers.quiz.profiles import profile_curve
from helpers.quiz.questions import NEEDS, Answer, Grade, Prediction, Question
from helpers.quiz.types import TYPES, for_each_type
from helpers.quiz.verdict import Verdict
