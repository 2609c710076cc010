"""What a lesson shows a learner besides its panel: predictions, checks, the quiz, the map of the course.

Questions and grading are in `quiz`, tasks in `exercises`, the record in `progress`; this package only shows them. Every
function returns a widget, so that a call at the end of a cell displays it. All text is escaped; `backticks` mark code.
"""

from __future__ import annotations

from helpers.lesson.checks import CheckView, check
from helpers.lesson.course_map import ProgressView, my_map, my_progress
from helpers.lesson.exams import ExamView, PaperView, exam
from helpers.lesson.inputs import (
    ChecksInput,
    ChoiceInput,
    Input,
    NumberInput,
    OrderInput,
    ScaleInput,
    TextInput,
    input_for,
)
from helpers.lesson.own import DataView, my_data, my_scores
from helpers.lesson.parts import Announcer, View, as_plain
from helpers.lesson.predictions import ComparisonView, PredictionView, compare, predict
from helpers.lesson.questions import QuestionView, QuizView, SettablePanel, quiz
from helpers.lesson.reviews import ReviewView, review, what_next
from helpers.quiz.text import as_html

__all__ = [
    "Announcer",
    "CheckView",
    "ChecksInput",
    "ChoiceInput",
    "ComparisonView",
    "DataView",
    "ExamView",
    "Input",
    "NumberInput",
    "OrderInput",
    "PaperView",
    "PredictionView",
    "ProgressView",
    "QuestionView",
    "QuizView",
    "ReviewView",
    "ScaleInput",
    "SettablePanel",
    "TextInput",
    "View",
    "as_html",
    "as_plain",
    "check",
    "compare",
    "exam",
    "input_for",
    "my_data",
    "my_map",
    "my_progress",
    "my_scores",
    "predict",
    "quiz",
    "review",
    "what_next",
]
