"""Which states of a panel are baked: lines through its initial state and presets, and a grid across all controls."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

State = tuple[int, ...]

DENSITIES = (1000, 51, 34, 26, 17, 13, 9, 7, 5, 3)
SHARE_OF_LINES = 0.6
LONG = 30  # a slider with fewer places is hardly the main one


@dataclass(frozen=True)
class Axis:
    """One control: its name, its number of places, and whether neighbouring places look similar (a slider)."""

    name: str
    count: int
    ordered: bool


@dataclass(frozen=True)
class Budget:
    """At most about `states` states; in the grid, the controls in `held` take only the places given."""

    states: int
    held: Mapping[str, Sequence[int]] = field(default_factory=dict)


def main_axis(axes: Sequence[Axis]) -> int:
    """The number of the main slider: the first long one, else the control with the most places."""
    long = [number for number, axis in enumerate(axes) if axis.ordered and axis.count >= LONG]
    return long[0] if long else max(range(len(axes)), key=lambda number: axes[number].count)


def spread(count: int, wanted: int) -> list[int]:
    """`wanted` of the places 0 … count - 1, evenly spaced, including both ends."""
    if wanted >= count:
        return list(range(count))
    return sorted({round(i * (count - 1) / (wanted - 1)) for i in range(wanted)})


def states_to_bake(axes: Sequence[Axis], anchors: Sequence[State], budget: Budget) -> list[State]:
    """The states to bake, sorted, so that neighbours along the last controls are adjacent.

    anchors: the panel's initial state and those of its presets, which are always included. The line through the first
    anchor along the main slider is complete if the budget allows it. The rest of the budget goes to a grid across all
    controls.
    """
    chosen = _lines(axes, anchors, round(SHARE_OF_LINES * budget.states))
    chosen |= set(itertools.product(*_grid(axes, anchors, budget, budget.states - len(chosen))))
    return sorted(chosen)


def _lines(axes: Sequence[Axis], anchors: Sequence[State], room: int) -> set[State]:
    """Lines along every control through every anchor, as dense as `room` allows; at worst only the anchors."""
    main = main_axis(axes)
    for density in DENSITIES:
        lines = set(anchors) | set(_line(anchors[0], main, spread(axes[main].count, max(room, 2))))
        for anchor, (number, axis) in itertools.product(anchors, enumerate(axes)):
            wanted = axis.count if not axis.ordered else density * (3 if number == main else 1)
            lines |= set(_line(anchor, number, spread(axis.count, wanted)))
        if len(lines) <= room:
            return lines
    return set(anchors)


def _line(state: State, axis: int, places: Sequence[int]) -> Iterator[State]:
    return (state[:axis] + (place,) + state[axis + 1 :] for place in places)


def _grid(axes: Sequence[Axis], anchors: Sequence[State], budget: Budget, room: int) -> list[list[int]]:
    """Places of each control with at most `room` combinations: those of the anchors, then more, control by control."""
    main = main_axis(axes)
    steps = [_refinements(number, axis, anchors, budget) for number, axis in enumerate(axes)]
    places = [[anchors[0][number]] for number in range(len(axes))]
    others = [number for number in range(len(axes)) if number != main]
    for number in itertools.chain([main, *others, main, main], itertools.cycle(range(len(axes)))):
        if not any(steps):
            break
        if not steps[number]:
            continue
        refined = [steps[number].pop(0) if n == number else places[n] for n in range(len(axes))]
        if math.prod(map(len, refined)) <= room:
            places = refined
        else:
            steps[number].clear()
    return places


def _refinements(number: int, axis: Axis, anchors: Sequence[State], budget: Budget) -> list[list[int]]:
    """Ever larger sets of places of a control: those of the anchors, then evenly spaced ones as well."""
    if axis.name in budget.held:
        return [list(budget.held[axis.name])]
    own = {anchor[number] for anchor in anchors}
    if not axis.ordered:
        return [sorted(own), list(range(axis.count))]
    sizes = [2 ** (n + 1) + 1 for n in range(12) if 2**n < axis.count]
    return [sorted(own), *(sorted(own | set(spread(axis.count, size))) for size in sizes)]
