"""What a class knows, from the records of its learners, which are only read.

`read_class` finds the records in folders, `results` counts their entries; `publish.classroom` shows them.
"""

from __future__ import annotations

from helpers.classroom.counting import (
    ClassResults,
    LearnerLesson,
    PredictionResult,
    QuestionResult,
    results,
    to_take_up,
)
from helpers.classroom.records import Class, Learner, read_class
