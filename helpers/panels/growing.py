"""A curve in a cell's output that grows while a network trains, in place of a progress bar."""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

from helpers.figures.growing import Curve, described, growing_curves

PAUSE = 0.25
"""The shortest time between two drawings, in seconds."""
POINTS = 300
"""The approximate number of points drawn of a run that is measured at every step."""

P = ParamSpec("P")
R = TypeVar("R")
Read = Callable[[Any], tuple[Sequence[float], Sequence[float]]]


def _losses(history: Any) -> tuple[Sequence[float], Sequence[float]]:
    return history.steps, history.loss


def _norms(game: Any) -> tuple[Sequence[float], Sequence[float]]:
    norms = game.gradient_norms
    return range(1, len(norms) + 1), norms


FOLLOWED: dict[str, tuple[str, str, str, Read]] = {
    "train": ("callback", "steps", "loss", _losses),
    "train_task": ("callback", "steps", "loss on held-out sequences", _losses),
    "play": ("on_record", "rounds", "norm of the generator's gradient", _norms),
}
"""Functions that can be followed: the parameter for the follower, the number of steps, and the drawn quantity."""


class GrowingCurves:
    """The runs of one cell, drawn in its output at most four times a second; the last drawing stays."""

    def __init__(self, cell: int, quantity: str, along: str) -> None:
        self.cell, self.quantity, self.along = cell, quantity, along
        self.runs: dict[str, Curve] = {}
        self._handle: Any = None
        self._drawn = 0.0

    def draw(self, now: bool = False) -> None:
        """Draw all runs so far; unless `now` is set, skip this if they were drawn less than `PAUSE` ago."""
        if not now and time.monotonic() - self._drawn < PAUSE:
            return
        from IPython.display import display

        content = {
            "text/html": growing_curves(self.runs, self.quantity, self.along),
            "text/plain": described(self.runs),
        }
        if self._handle is None:
            self._handle = display(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)
        self._drawn = time.monotonic()


_last: GrowingCurves | None = None


def _curves(cell: int, quantity: str, along: str) -> GrowingCurves:
    """Return the curves of the running cell, which all its runs share."""
    global _last
    if _last is None or (_last.cell, _last.quantity) != (cell, quantity):
        _last = GrowingCurves(cell, quantity, along)
    return _last


def _running_cell() -> int | None:
    """Return the number of the running cell; None if there is no kernel that shows displayed output."""
    shell: Any = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return int(shell.execution_count) if getattr(shell, "kernel", None) is not None else None


def live_curve(quantity: str, steps: int) -> Callable[[str, float, float], float]:
    """Return a function that draws the measurements of your own loop: it takes the run's name, the step and the value.

    It returns the value. The runs of a cell share one drawing, over `steps` steps; without a kernel that shows it,
    nothing is drawn.
    """
    cell = _running_cell()
    if cell is None:
        return lambda run, step, value: value
    curves, points = GrowingCurves(cell, quantity, "steps"), dict[str, tuple[list[float], list[float]]]()

    def add(run: str, step: float, value: float) -> float:
        along, values = points.setdefault(run, ([], []))
        if len(along) > 1 and along[-1] - along[-2] < steps / POINTS:
            along[-1], values[-1] = step, value
        else:
            along.append(step)
            values.append(value)
        curves.runs[run] = Curve(along, values, steps)
        curves.draw()
        return value

    def finish() -> None:
        if curves.runs:
            curves.draw(now=True)

    _when_the_cell_ends(finish)
    return add


def _when_the_cell_ends(act: Callable[[], None]) -> None:
    """Call `act` once when the running cell has ended, also after an error or an interrupt."""
    events: Any = sys.modules["IPython"].get_ipython().events

    def ended(*_: object) -> None:
        events.unregister("post_run_cell", ended)
        act()

    events.register("post_run_cell", ended)


def followed(run: Callable[P, R]) -> Callable[P, R]:
    """Return the function wrapped so that, in a notebook, its runs are drawn as curves instead of a progress bar."""
    follower, length, quantity, read = FOLLOWED[run.__name__]

    @functools.wraps(run)
    def with_curve(*args: P.args, **kwargs: P.kwargs) -> R:
        cell = _running_cell()
        if cell is None or kwargs.get(follower) is not None or not kwargs.get("progress", True):
            return run(*args, **kwargs)
        end: Any = kwargs[length] if length in kwargs else args[1]
        curves, name = _curves(cell, quantity, length), str(kwargs.get("description", run.__name__))
        name = name if name not in curves.runs else f"{name}, run {len(curves.runs) + 1}"

        def follow(progress: Any) -> None:
            steps, values = read(progress)
            curves.runs[name] = Curve(list(map(float, steps)), list(map(float, values)), max(end, int(steps[-1])))
            curves.draw()

        kwargs[follower] = follow
        try:
            return run(*args, **kwargs)
        finally:
            if name in curves.runs:
                curves.draw(now=True)

    return with_curve
