"""The learner's record: answers, predictions and exercises, in one small SQLite file in the user's data folder.

Every entry is a row that is never changed, so that two notebooks can write at once and a killed process loses nothing
already written. The folder is the platform's folder for user data, or the one named by GRADIENT_COURSE_HOME.
"""

from __future__ import annotations

from pathlib import Path

from helpers.progress.growth import Growth, growth
from helpers.progress.record import LONGEST_SECONDS, Given, LessonDone, Merged, Progress, Sitting
from helpers.progress.schema import VERSION
from helpers.progress.store import FILE_NAME, HOME_VARIABLE, home

_opened: dict[Path, Progress] = {}


def progress() -> Progress:
    """The record shared by all widgets of a notebook; opened once per folder."""
    folder = home()
    if folder not in _opened:
        _opened[folder] = Progress(folder)
    return _opened[folder]


def summary() -> dict[str, LessonDone]:
    """What the learner has done in each lesson, by its two-digit number; see `Progress.summary`."""
    return progress().summary()
