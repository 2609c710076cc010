"""What a lesson shows a learner besides its panel: predictions, checks, the quiz, the map of the course.

Questions and grading are in `quiz`, tasks in `exercises`, the record in `progress`; this package only shows them. Every
function returns a widget, so that a call at the end of a cell displays it. All text is escaped; `backticks` mark code.
"""

from __future__ import annotations

from helpers.lesson.checks import CheckView, check
from helpers.lesson.course_map import ProgressView, my_map, my_progress
from helpers.lesson.exams import exam
from helpers.lesson.inputs import ChoiceInput
from helpers.lesson.own import my_data, my_scores
from helpers.lesson.parts import as_plain
from helpers.lesson.predictions import ComparisonView, PredictionView, compare, predict
from helpers.lesson.questions import QuestionView, QuizView, quiz
from helpers.lesson.reviews import ReviewView, review, what_next
from helpers.quiz.text import as_html
