"""The types of question: each file in this folder registers one.

A type is one record, a `QuestionType`: its fields in a bank, how it is checked, drawn and graded, and what is said of
an answer. It knows no widget, no figure and no format of an export: whoever shows or writes questions has a table with
an entry for each type, made by `for_each_type`, so that a type which a table has forgotten ends the import.
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
    """A table of what is done with each type of question; LookupError unless it has exactly the registered types.

    purpose: where the table stands, for the message, such as "helpers/lesson/inputs.py".
    """
    return complete_table(purpose, handlers, TYPES, "question type")
