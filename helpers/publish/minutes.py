"""Estimate how long a lesson takes, in class and alone, from its contents.

The speeds of speech and of silent reading are typical ones. The other constants were fitted once, so that lessons 01 to
05, before they were shortened, come out near the 65, 65, 65, 85 and 90 minutes that readers estimated for them
(tests/test_minutes.py). They are not fitted again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from helpers import panels
from helpers.publish.cells.deeper import DEEPER
from helpers.publish.cells.running import EXERCISE, HIDE_INPUT, Cell, panels_in
from helpers.quiz import load_bank

WORDS_ALOUD, WORDS_READ = 130, 200  # a minute
CELL, SLIDER, FORMULA = 2.5, 0.75, 2.0  # minutes for each, in class and alone
EXERCISE_SHOWN, EXERCISE_SOLVED = 1.0, 8.0  # in class it is only introduced
QUESTION_IN_CLASS, QUESTION_ALONE = 0.25, 1.0  # a class answers a few
HOMEWORK = ("Write it yourself", "Quiz")
"""The sections that nobody reads aloud."""


@dataclass(frozen=True)
class Contents:
    """The contents of a lesson, counted: words (those of the homework apart), cells that compute, sliders and so on."""

    words: int
    homework_words: int
    cells: int
    sliders: int
    formulas: int
    exercises: int
    questions: int

    @property
    def in_class(self) -> int:
        """Minutes in class; exercises and quiz are introduced there, and done at home."""
        aloud = self.words / WORDS_ALOUD
        home = EXERCISE_SHOWN * self.exercises + QUESTION_IN_CLASS * self.questions
        return round(aloud + self._hands_on + home)

    @property
    def alone(self) -> int:
        """Minutes for a learner who works through everything alone."""
        read = (self.words + self.homework_words) / WORDS_READ
        return round(read + self._hands_on + EXERCISE_SOLVED * self.exercises + QUESTION_ALONE * self.questions)

    @property
    def _hands_on(self) -> float:
        return CELL * self.cells + SLIDER * self.sliders + FORMULA * self.formulas


def contents(lesson: str, cells: Sequence[Cell], whole: bool = False) -> Contents:
    """Count the contents of a lesson, including its *Go deeper* sections only if `whole` is true."""
    section = ""
    words = {False: 0, True: 0}
    formulas = computing = exercises = sliders = questions = 0
    for cell in cells:
        if cell.kind == "markdown" and (heading := re.match(r"## (.+)", cell.source)):
            section = heading[1].strip()
        if cell.slide == "skip" or (DEEPER in cell.tags and not whole):
            continue
        if cell.kind == "markdown":
            words[section in HOMEWORK] += len(cell.source.split())
            formulas += 0 if section in HOMEWORK else cell.source.count("$$") // 2
        else:
            exercises += EXERCISE in cell.tags
            computing += not cell.tags & {EXERCISE, HIDE_INPUT}
            sliders += sum(_controls_of(name) for name in panels_in([cell]))
            questions += len(load_bank(lesson)) if "quiz(" in cell.source else 0
    return Contents(words[False], words[True], computing, sliders, formulas, exercises, questions)


@cache
def _controls_of(panel: str) -> int:
    """The number of a panel's controls; cached, since making the panel computes its first state, which is slow."""
    return len(getattr(panels, panel)().controls)
