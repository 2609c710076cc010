"""Tables of handlers by type; an incomplete one fails when its module is imported."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeVar

Handler = TypeVar("Handler")


def complete_table(
    purpose: str, handlers: Mapping[str, Handler], types: Collection[str], thing: str
) -> Mapping[str, Handler]:
    """Return the handlers if there is exactly one for each type; LookupError otherwise.

    purpose: the module that holds the table, such as "helpers/lesson/inputs.py"; thing: such as "question type".
    """
    missing, unknown = sorted(set(types) - set(handlers)), sorted(set(handlers) - set(types))
    if missing:
        raise LookupError(f"{purpose} has nothing for {thing} {', '.join(map(repr, missing))}")
    if unknown:
        raise LookupError(f"{purpose} names {thing} {', '.join(map(repr, unknown))}; there are {', '.join(types)}")
    return handlers
