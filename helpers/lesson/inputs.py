"""Ways to answer a question, built from plain ipywidgets, so that they work with the keyboard alone."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import ipywidgets as widgets

from helpers.lesson.parts import as_plain, html_box, make_button
from helpers.quiz import Answer, Question, for_each_type, format_number
from helpers.quiz.text import as_html


class Input(Protocol):
    """A way to answer: `get` returns None where nothing is chosen yet, `put` shows an earlier answer."""

    widget: widgets.Widget

    @property
    def label(self) -> str:
        """The label of the button that submits the current answer."""

    def answered(self) -> None:
        """Called after an answer could be read."""

    def get(self) -> Any:
        """The current answer."""

    def put(self, given: Any) -> None:
        """Show an earlier answer."""

    def lock(self, locked: bool) -> None:
        """Stop or allow changes."""

    def on_enter(self, submit: Callable[[], None]) -> None:
        """Call `submit` when Enter is pressed where that ends an answer."""


class _Checked:
    """An input whose answer is checked in one step."""

    label = "Check"

    def on_enter(self, submit: Callable[[], None]) -> None:
        """Enter ends no answer that is chosen."""

    def answered(self) -> None:
        """Nothing changes."""


class _OneWidget(_Checked):
    """An input that is a single ipywidget with a value."""

    widget: widgets.Widget

    def get(self) -> Any:
        return self.widget.value

    def put(self, given: Any) -> None:
        self.widget.value = given

    def lock(self, locked: bool) -> None:
        self.widget.disabled = locked


class ChoiceInput(_OneWidget):
    """One of several texts."""

    def __init__(self, options: Sequence[str]) -> None:
        self.widget = widgets.RadioButtons(options=[(as_plain(text), text) for text in options], index=None)

    def put(self, given: Any) -> None:
        """Choose the text, if it is still among the options."""
        if given in [value for _, value in self.widget.options]:
            self.widget.value = given


class ChecksInput(_Checked):
    """Any number of the texts, each with a box to tick."""

    def __init__(self, options: Sequence[str]) -> None:
        self._options = list(options)
        self.boxes = [widgets.Checkbox(description=as_plain(text), indent=False) for text in options]
        self.widget = widgets.VBox(self.boxes)
        self.widget.add_class("lesson-checks")

    def get(self) -> list[str]:
        """The texts that are ticked."""
        return [text for text, box in zip(self._options, self.boxes, strict=True) if box.value]

    def put(self, given: Any) -> None:
        """Tick the texts in the list, if they are still among the options."""
        for text, box in zip(self._options, self.boxes, strict=True):
            box.value = isinstance(given, list) and text in given

    def lock(self, locked: bool) -> None:
        """Stop or allow changes."""
        for box in self.boxes:
            box.disabled = locked


class NumberInput(_OneWidget):
    """A number as free text, so that both 1e-6 and 10⁻⁶ can be entered."""

    def __init__(self, unit: str = "") -> None:
        self.widget = widgets.Text(
            description="Your number" + (f" in {unit}" if unit else ""),
            placeholder="such as 0.25 or 1e-6",
            style={"description_width": "initial"},
            layout={"width": "30em", "max_width": "100%"},
            continuous_update=False,  # else a busy kernel could grade what was there before the last keys
        )

    def put(self, given: Any) -> None:
        """Show an earlier answer as text."""
        self.widget.value = str(given)

    def on_enter(self, submit: Callable[[], None]) -> None:
        """Enter submits the number: the browser says that Enter was pressed, and sends a changed text right after.

        An Enter that changed nothing is forgotten, so that leaving the field later doesn't count as a try.
        """
        pressed = -math.inf

        def note(_: widgets.Widget, content: Mapping[str, Any], __: object) -> None:
            nonlocal pressed
            if content.get("event") == "submit":
                pressed = time.monotonic()

        def check(_: object) -> None:
            nonlocal pressed
            soon, pressed = time.monotonic() - pressed < 2, -math.inf
            if soon:
                submit()

        self.widget.on_msg(note)
        self.widget.observe(check, "value")


class ScaleInput(_Checked):
    """A number on a logarithmic slider, with ticks at powers of ten and the number beside it.

    It has no value until it is moved, since its initial position is nobody's answer.
    """

    def __init__(self, low: float, high: float) -> None:
        middle = 10.0 ** (low + 0.25 * round(2 * (high - low)))
        self.slider = widgets.FloatLogSlider(value=middle, min=low, max=high, step=0.25, readout=False)
        self.slider.layout = {"flex": "1 1 auto"}
        self.slider.add_class("lesson-untouched")
        self.readout = widgets.Label("move it")
        self.readout.add_class("lesson-readout")
        self._moved = False
        self.slider.observe(lambda change: self._show(), "value")
        self.widget = widgets.VBox([widgets.HBox([self.slider, self.readout]), html_box(scale_ticks(low, high))])
        self.widget.add_class("lesson-scale")

    def _show(self) -> None:
        self._moved = True
        self.slider.remove_class("lesson-untouched")
        self.readout.value = format_number(self.slider.value)

    def get(self) -> float | None:
        """The slider's number; None until it has been moved."""
        return float(self.slider.value) if self._moved else None

    def put(self, given: Any) -> None:
        """Move the slider to an earlier number."""
        self.slider.value = given
        self._show()

    def lock(self, locked: bool) -> None:
        """Stop or allow moving the slider."""
        self.slider.disabled = locked


MOST_TICKS = 8


def scale_ticks(low: float, high: float) -> str:
    """The ticks under a slider from 10**low to 10**high, as HTML: every 1, 2, 5 … powers of ten, about eight."""
    every = next(step for step in (1, 2, 5, 10, 20, 50, 100) if (high - low) / step <= MOST_TICKS)
    places = range(math.ceil(low / every) * every, math.floor(high) + 1, every)
    spans = [
        f'<span style="left:{100 * (place - low) / (high - low):.2f}%">{format_number(10.0**place)}</span>'
        for place in places
    ]
    return f'<div class="lesson-ticks" aria-hidden="true">{"".join(spans)}</div>'


class OrderInput(_Checked):
    """A list whose entries are moved up with buttons, so that it works with the keyboard alone."""

    def __init__(self, options: Sequence[str], announce: Callable[[str], None] = lambda text: None) -> None:
        self._order, self._announce = list(options), announce
        self.places = [widgets.Label() for _ in options]
        self.buttons = [make_button("↑ up", functools.partial(self._raise, n)) for n in range(1, len(options))]
        rows = [widgets.HBox([self.places[0]])]
        rows += [widgets.HBox([place, button]) for place, button in zip(self.places[1:], self.buttons, strict=True)]
        column = f"{min(4 + 0.55 * max(map(len, options)), 36):.1f}em"  # so that the buttons line up
        for place in self.places:
            place.layout.width = column
            place.add_class("lesson-place")
        self.widget = widgets.VBox(rows)
        self._show()

    def get(self) -> list[str]:
        """The entries in their present order."""
        return list(self._order)

    def put(self, given: Any) -> None:
        """Show an earlier order, if it has the same entries."""
        if isinstance(given, list) and sorted(map(str, given)) == sorted(self._order):
            self._order = list(given)
            self._show()

    def lock(self, locked: bool) -> None:
        """Stop or allow moving entries."""
        for button in self.buttons:
            button.disabled = locked

    def _raise(self, place: int) -> None:
        self._order[place - 1], self._order[place] = self._order[place], self._order[place - 1]
        self._show()
        self._announce(f"{self._order[place - 1]} is now at place {place}.")
        self.buttons[max(place - 2, 0)].focus()  # so that the entry can be moved again at once

    def _show(self) -> None:
        for number, (label, name) in enumerate(zip(self.places, self._order, strict=True), start=1):
            label.value = f"{number}.  {as_plain(name)}"
        for button, name in zip(self.buttons, self._order[1:], strict=True):
            button.tooltip = f"move {as_plain(name)} one place up"


class TextInput:
    """A text field; once the text is submitted, also the model answer and the points of the rubric to tick."""

    def on_enter(self, submit: Callable[[], None]) -> None:
        """Enter begins a new line."""

    def __init__(self, model: str, rubric: Sequence[Answer]) -> None:
        self._model = model
        self.text = widgets.Textarea(
            placeholder="In your own words", rows=5, layout={"width": "100%", "height": "auto"}
        )
        self.points = ChecksInput([point.text for point in rubric])
        self._shown = widgets.VBox([])
        self.widget = widgets.VBox([self.text, self._shown])

    @property
    def is_compared(self) -> bool:
        """Whether the model answer is shown."""
        return bool(self._shown.children)

    @property
    def label(self) -> str:
        """The next step: comparing, or keeping the ticked points."""
        return "Keep my points" if self.is_compared else "Compare with a model answer"

    def answered(self) -> None:
        """Show the model answer and the rubric."""
        if not self.is_compared:
            model = f'<div class="lesson-model"><strong>A model answer.</strong> {as_html(self._model)}</div>'
            ask = '<div class="lesson-head">Which points does your text make?</div>'
            self._shown.children = (html_box(model), html_box(ask), self.points.widget)

    def get(self) -> Any:
        """The text; once the rubric is shown, the text and the indices of the ticked points."""
        if not self.is_compared:
            return self.text.value
        return {"text": self.text.value, "points": [n for n, box in enumerate(self.points.boxes) if box.value]}

    def put(self, given: Any) -> None:
        """Show an earlier text and the points ticked then."""
        text, points = (given.get("text"), given.get("points")) if isinstance(given, dict) else (given, None)
        if isinstance(text, str):
            self.text.value = text
            for place, box in enumerate(self.points.boxes):
                box.value = isinstance(points, list) and place in points
            self.answered()

    def lock(self, locked: bool) -> None:
        """Stop or allow changes."""
        self.text.disabled = locked
        self.points.lock(locked)


Announce = Callable[[str], None]


def _choice(question: Question, options: Sequence[str], announce: Announce) -> Input:
    return ChoiceInput(options)


INPUTS: Mapping[str, Callable[[Question, Sequence[str], Announce], Input]] = for_each_type(
    "helpers/lesson/inputs.py",
    {
        "multiple_choice": _choice,
        "profile": _choice,
        "many_choice": lambda question, options, announce: ChecksInput(options),
        "numeric": lambda question, options, announce: NumberInput(question.unit),
        "ordering": lambda question, options, announce: OrderInput(options, announce),
        "open": lambda question, options, announce: TextInput(question.model, question.answers),
    },
)


def input_for(question: Question, announce: Announce = lambda text: None) -> Input:
    """The input for a question; it calls `announce` with each change that screen-reader users must hear."""
    return INPUTS[question.type](question, [answer.text for answer in question.presented()], announce)
