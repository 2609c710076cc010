"""Tables of handlers by type that are complete, or end the import of the module that makes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeVar

Handler = TypeVar("Handler")


def complete_table(
    purpose: str, handlers: Mapping[str, Handler], types: Collection[str], thing: str
) -> Mapping[str, Handler]:
    """The handlers, if there is exactly one for each of the types; LookupError otherwise.

    purpose: where the table stands, such as "helpers/lesson/inputs.py"; thing: what the types are types of.
    """
    missing, unknown = sorted(set(types) - set(handlers)), sorted(set(handlers) - set(types))
    if missing:
        raise LookupError(f"{purpose} has nothing for {thing} {', '.join(map(repr, missing))}")
    if unknown:
        raise LookupError(f"{purpose} names {thing} {', '.join(map(repr, unknown))}; there are {', '.join(types)}")
    return handlers
