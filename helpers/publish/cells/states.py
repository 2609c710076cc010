"""Which states of a panel are baked: lines through the states worth seeing, and a grid where controls cross."""

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
    """One control: its name, how many places it has, and whether neighbouring places are alike (a slider)."""

    name: str
    count: int
    ordered: bool


@dataclass(frozen=True)
class Budget:
    """At most about `states` states; in the grid, controls named in `held` stay at the places given."""

    states: int
    held: Mapping[str, Sequence[int]] = field(default_factory=dict)


def main_axis(axes: Sequence[Axis]) -> int:
    """The number of the slider that is moved most: the first long one, else the longest."""
    long = [number for number, axis in enumerate(axes) if axis.ordered and axis.count >= LONG]
    return long[0] if long else max(range(len(axes)), key=lambda number: axes[number].count)


def spread(count: int, wanted: int) -> list[int]:
    """`wanted` of the places 0 … count - 1, evenly apart, both ends among them."""
    if wanted >= count:
        return list(range(count))
    return sorted({round(i * (count - 1) / (wanted - 1)) for i in range(wanted)})


def states_to_bake(axes: Sequence[Axis], anchors: Sequence[State], budget: Budget) -> list[State]:
    """The states that are baked, sorted, so that neighbours along the last controls stand together.

    anchors: the panel's first state and those of its presets, which are always in. Along the main slider the line
    through the first one is whole, if the budget allows. What the lines leave of it goes to a grid that crosses all
    controls.
    """
    chosen = _lines(axes, anchors, round(SHARE_OF_LINES * budget.states))
    chosen |= set(itertools.product(*_grid(axes, anchors, budget, budget.states - len(chosen))))
    return sorted(chosen)


def _lines(axes: Sequence[Axis], anchors: Sequence[State], room: int) -> set[State]:
    """Lines along every control through every anchor, as dense as the room allows; at worst the anchors alone."""
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
    """Places of each control whose crossings number at most `room`: the anchors' first, then more in turn."""
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
    """Ever more places of a control: those of the anchors, then evenly spread ones besides."""
    if axis.name in budget.held:
        return [list(budget.held[axis.name])]
    own = {anchor[number] for anchor in anchors}
    if not axis.ordered:
        return [sorted(own), list(range(axis.count))]
    sizes = [2 ** (n + 1) + 1 for n in range(12) if 2**n < axis.count]
    return [sorted(own), *(sorted(own | set(spread(axis.count, size))) for size in sizes)]
