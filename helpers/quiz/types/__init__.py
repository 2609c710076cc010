"""The types of question: each file in this folder registers one.

A type is one record, a `QuestionType`: its fields in a bank, how its questions are checked, instantiated and graded,
and the feedback on an answer. It knows no widget, no figure and no export format: code that shows or writes questions
keeps a table with an entry for each type, made by `for_each_type`, so that a missing entry fails at import.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from helpers.quiz.questions import TYPES, QuestionType
from helpers.quiz.tables import Handler, complete_table

__all__ = ["TYPES", "QuestionType", "for_each_type"]

for _module in pkgutil.iter_modules(__path__):
    _before = len(TYPES)
    importlib.import_module(f"{__name__}.{_module.name}")
    if len(TYPES) == _before:
        raise ImportError(f"helpers/quiz/types/{_module.name}.py registers no type of question")


def for_each_type(purpose: str, handlers: Mapping[str, Handler]) -> Mapping[str, Handler]:
    """Return a table with a handler for each type of question; LookupError unless it has exactly the registered types.

    purpose: the module that holds the table, such as "helpers/lesson/inputs.py"; the error names it.
    """
    return complete_table(purpose, handlers, TYPES, "question type")
