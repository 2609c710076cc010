"""The widgets and figures that cells show, as HTML and as the data for the page's scripts."""

from __future__ import annotations

import copy
import html
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import ipywidgets

from helpers.course import LESSONS, notebooks
from helpers.lesson import (
    CheckView,
    ComparisonView,
    PredictionView,
    ProgressView,
    QuestionView,
    QuizView,
    as_html,
    as_plain,
)
from helpers.lesson.inputs import scale_ticks
from helpers.live import LiveFigure
from helpers.panels import Panel
from helpers.panels.watching import LayersPicture
from helpers.publish.cells.asked import asked_of
from helpers.publish.cells.bake import (
    control_class,
    control_kind,
    control_labels,
    figure_data,
    panel_frame,
    places,
)
from helpers.publish.cells.context import BuildContext
from helpers.publish.cells.pieces import Kind, Piece
from helpers.publish.cells.running import Cell
from helpers.publish.cells.text import code_html
from helpers.quiz import Prediction, Question, describe_outcome, for_each_prediction, for_each_type, format_number

NEEDS_COURSE = "This part needs the running course: <code>python start.py</code> opens it."
TO_PLAY = "The picture is a still of its last moment. To play, open the course: <code>python start.py</code>."
SCALE_STEP = 0.25
LINK_TO_NOTEBOOK = re.compile(r"<a href='(?:notebooks/)?(\w+)\.ipynb'[^>]*>")
LINK_TO_PAGE = r'<a href="\1.html">'
LINK_IN_FIGURE = r'<a href="\1.html" target="_self">'  # without target Plotly opens a new window


def widget_html(shown: Any, context: BuildContext) -> str:
    """The HTML of any object that a cell has shown; its data is added to the page's."""
    return context.put(piece_of(shown, context))


def with_pieces(cells: Sequence[Cell], context: BuildContext) -> list[Cell]:
    """The cells with the objects that they have shown replaced by pieces."""
    return [replace(cell, shown=tuple(piece_of(shown, context) for shown in cell.shown)) for cell in cells]


def piece_of(shown: Any, context: BuildContext) -> Piece:
    """The piece for any object that a cell has shown; for what needs a kernel it refers to the running course.

    A figure has the same tag in all pieces made with the same context.
    """
    if isinstance(shown, Piece):
        return shown
    own = replace(context, data={})
    if isinstance(shown, QuizView):
        parts = tuple(question_blocks(shown, own))
        return Piece("quiz", _quiz(parts), parts, data=own.data)
    if isinstance(shown, PredictionView):
        return Piece("prediction", _prediction(shown.prediction), prediction=shown.prediction.id)
    if isinstance(shown, ComparisonView):
        return Piece("comparison", _comparison(shown), prediction=shown.prediction.id)
    kind, html = _other(shown, own)
    return Piece(kind, html, data=own.data)


def _other(shown: Any, context: BuildContext) -> tuple[Kind, str]:
    if isinstance(shown, ipywidgets.HTML):
        return "other", f'<div class="site-html">{LINK_TO_NOTEBOOK.sub(LINK_TO_PAGE, shown.value)}</div>'
    if isinstance(shown, Panel):
        return "panel", _panel(shown, context)
    if isinstance(shown, LiveFigure | LayersPicture):
        return "figure", _figure(shown if isinstance(shown, LiveFigure) else shown.live, context)
    if isinstance(shown, CheckView):
        return "exercise", _exercise(shown)
    if isinstance(shown, ProgressView):
        return "other", _progress()
    if isinstance(shown, ipywidgets.Widget):
        stills = "".join(_figure(figure, context) for figure in _figures_in(shown))
        return "other", f'{stills}<p class="needs-course">{TO_PLAY if stills else NEEDS_COURSE}</p>'
    return "other", f"<pre>{html.escape(repr(shown))}</pre>"


def _figures_in(shown: Any) -> Sequence[LiveFigure]:
    """The figures without controls anywhere inside a box, such as the picture of a game."""
    if isinstance(shown, LiveFigure):
        return [] if shown.named_controls else [shown]
    return [figure for child in getattr(shown, "children", ()) for figure in _figures_in(child)]


# Panels and figures --------------------------------------------------------------------------------------------------


def _tag(shown: LiveFigure, context: BuildContext) -> str:
    return context.tags.setdefault(id(shown), f"{context.lesson}-{len(context.tags) + 1}")


def _figure(live: LiveFigure, context: BuildContext) -> str:
    tag = _tag(live, context)
    data = copy.deepcopy(figure_data(live, tag))
    for note in data["spec"]["figure"]["layout"].get("annotations", ()):
        note["text"] = LINK_TO_NOTEBOOK.sub(LINK_IN_FIGURE, note.get("text", ""))
    context.data[tag] = data
    return f'<div class="site-figure" id="panel-{tag}"><div class="live-figure"></div></div>'


def _panel(panel: Panel, context: BuildContext) -> str:
    tag = _tag(panel.live, context)
    context.data[tag] = {**panel_frame(panel, tag), "table": panel.name}
    controls = zip(panel.live.grids, panel.controls.values(), strict=True)
    rows = [
        _control(f"{tag}-{grid.name}", control_class(tag, grid.name), grid, control, place)
        for (grid, control), place in zip(controls, dict(places(panel.live, panel.live.values)).values(), strict=True)
    ]
    buttons = "".join(
        f'<button type="button" data-preset="{number}">{html.escape(preset)}</button>'
        for number, preset in enumerate(panel.presets)
    )
    presets = f'<div class="site-presets"><b>Try</b> {buttons}</div>' if buttons else ""
    label = html.escape(panel.live.spec["label"])
    return (
        f'<div class="site-figure live-panel" id="panel-{tag}" role="region" aria-label="{label}">'
        f'{presets}<div class="site-controls">{"".join(rows)}</div>'
        '<p class="site-beside" role="status" hidden></p><div class="live-figure"></div></div>'
    )


def _control(name: str, css: str, grid: Any, control: ipywidgets.Widget, place: int) -> str:
    labels, kind = control_labels(grid, control), control_kind(control)
    label = f'<label for="{name}">{html.escape(control.description)}</label>'
    if kind == "menu":
        options = "".join(
            f"<option{' selected' if number == place else ''}>{html.escape(text)}</option>"
            for number, text in enumerate(labels)
        )
        return f'<div class="site-control {css}">{label}<select id="{name}" autocomplete="off">{options}</select></div>'
    if kind == "check":
        checked = " checked" if place else ""
        box = f'<input type="checkbox" id="{name}" autocomplete="off"{checked}>'
        return f'<div class="site-control {css}">{label}{box}</div>'
    slider = (
        f'<input type="range" id="{name}" min="0" max="{len(labels) - 1}" step="1" value="{place}" autocomplete="off" '
        f'aria-valuetext="{html.escape(labels[place])}">'
    )
    readout = f'<output for="{name}">{html.escape(labels[place])}</output>'
    return f'<div class="site-control {css}">{label}{slider}{readout}</div>'


def _progress() -> str:
    """A table of the lessons, in which a script counts the answers kept by the browser."""
    rows = "".join(
        f'<tr {asked_of(lesson)}><td><a href="{path.stem}.html">{html.escape(LESSONS[lesson].name)}</a></td>'
        "<td>–</td><td>–</td></tr>"
        for lesson, path in notebooks().items()
    )
    head = '<tr><th scope="col">Lesson</th><th scope="col">Predicted</th><th scope="col">Quiz: right</th></tr>'
    return f'<div class="lesson site-progress"><table class="lesson-map">{head}{rows}</table></div>'


# Predictions ---------------------------------------------------------------------------------------------------------


def _prediction(prediction: Prediction) -> str:
    name = f"prediction-{prediction.id}"
    return (
        f'<form class="lesson site-prediction" data-prediction="{prediction.id}" data-lesson="{prediction.lesson}">'
        '<div class="lesson-head">Your prediction, before we look</div>'
        f'<div class="lesson-question" id="{name}">{as_html(prediction.question)}</div>'
        f"{PREDICTION_FIELDS[prediction.type](prediction, name)}"
        '<button type="submit" class="primary">Keep my prediction</button>'
        '<div class="site-feedback" role="status"></div></form>'
    )


def _scale(prediction: Prediction, name: str) -> str:
    count = round((prediction.high - prediction.low) / SCALE_STEP)
    values = [10.0 ** (prediction.low + SCALE_STEP * place) for place in range(count + 1)]
    labels = [format_number(value) for value in values]
    return (
        '<div class="lesson-scale"><div class="site-control"><input type="range" class="site-untouched" '
        f'aria-labelledby="{name}" min="0" max="{count}" value="{count // 2}" step="1" autocomplete="off" '
        'aria-valuetext="not moved yet" '
        f'data-labels="{html.escape(json.dumps(labels))}" data-values="{values}">'
        f"<output>move it</output></div>{scale_ticks(prediction.low, prediction.high)}</div>"
    )


def _comparison(view: ComparisonView) -> str:
    prediction = view.prediction
    return (
        f'<details class="lesson site-reveal" data-prediction="{prediction.id}">'
        "<summary>Show what was measured</summary>"
        f'<div class="lesson-verdict lesson-open"><span class="site-prediction-kept"></span> '
        f"{as_html(describe_outcome(prediction, view.outcome))}</div></details>"
    )


# Exercises -----------------------------------------------------------------------------------------------------------


def _exercise(view: CheckView) -> str:
    exercise = view.exercise
    hints = "".join(
        f'<details><summary>Hint {number} of {len(exercise.hints)}</summary><div class="lesson-hint">{as_html(hint)}'
        "</div></details>"
        for number, hint in enumerate(exercise.hints, start=1)
    )
    return (
        '<div class="lesson site-exercise"><p>The running course checks your lines; here are the hints, and a solution '
        f"to compare with.</p>{hints}<details><summary>Solution</summary>"
        f"{code_html(exercise.solution)}</details></div>"
    )


# Quizzes -------------------------------------------------------------------------------------------------------------


def _quiz(questions: Sequence[str]) -> str:
    return (
        f'<div class="lesson site-quiz">{"".join(questions)}<div class="lesson-score" role="status">'
        f"0 of {len(questions)} right, 0 answered.</div></div>"
    )


def question_blocks(view: QuizView, context: BuildContext) -> list[str]:
    """The questions of a quiz, each as a form."""
    panel = view.panel if isinstance(view.panel, Panel) else None
    return [_question(number, each, panel, context) for number, each in enumerate(view.questions, start=1)]


def _question(number: int, view: QuestionView, panel: Panel | None, context: BuildContext) -> str:
    question = view.question
    name = f"question-{question.id}"
    context.data[name] = question_data(question, panel)
    if panel is not None:
        context.data[name]["panel"] = _tag(panel.live, context)
    code = code_html(question.code) if question.code else ""
    pictures = "".join(_figure(figure, context) for figure in _figures_in(view))
    return (
        f'<form class="lesson-item" data-question="{name}" data-lesson="{question.lesson}">'
        f'<div class="lesson-question" id="{name}"><span class="lesson-number">{number}.</span>'
        f"{as_html(question.text)}</div>{code}{pictures}"
        f"{QUESTION_FIELDS[question.type](question, name)}"
        '<button type="submit">Check</button><div class="site-feedback" role="status"></div>'
        '<button type="button" class="site-show" hidden>Show me in the panel</button></form>'
    )


def question_data(question: Question, panel: Panel | None = None) -> dict[str, Any]:
    """The data of a question that `grading.js` needs, and the ids under which answers are kept. Feedback is the same as
    from `quiz.grade`; all numbers are computed."""
    answers = [
        {
            "text": answer.text,
            "correct": answer.correct,
            "feedback": question.kind.remark(question, place),
            "number": answer.number(),
            "range": answer.range,
            "default": answer.default,
            "try": places(panel.live, answer.try_state) if panel else {},
        }
        for place, answer in enumerate(question.answers)
    ]
    return {
        "lesson": question.lesson,
        "id": question.id,
        "seed": question.seed if question.varies else None,
        "grader": GRADERS[question.type],
        "unit": question.unit,
        "precision": question.precision,
        "tolerance": question.tolerance,
        "feedback": question.feedback,
        "answers": answers,
    }


# Ways to answer ------------------------------------------------------------------------------------------------------


def _choices(kind: str, texts: Sequence[str], name: str) -> str:
    group = "radiogroup" if kind == "radio" else "group"
    rows = "".join(
        f'<label><input type="{kind}" name="{name}" value="{html.escape(text)}" autocomplete="off"> {as_html(text)}'
        "</label>"
        for text in texts
    )
    return f'<div class="site-choices" role="{group}" aria-labelledby="{name}">{rows}</div>'


def _order(texts: Sequence[str], name: str) -> str:
    rows = "".join(
        f'<li data-text="{html.escape(text)}"><span>{as_html(text)}</span>'
        f'<button type="button" aria-label="move {html.escape(as_plain(text))} one place up">↑ up</button></li>'
        for text in texts
    )
    return f'<ol class="site-order" aria-labelledby="{name}">{rows}</ol>'


def _number(unit: str, name: str) -> str:
    more = f" in {html.escape(unit)}" if unit else ""
    return (
        f'<p><label>Your number{more} <input type="text" inputmode="text" autocomplete="off" '
        'placeholder="such as 0.25 or 1e-6"></label></p>'
    )


def _texts(question: Question) -> list[str]:
    return [answer.text for answer in question.presented()]


def _radios(question: Question, name: str) -> str:
    return _choices("radio", _texts(question), name)


def _text(question: Question, name: str) -> str:
    """A text field, and the model answer with points to tick, which is hidden until the text is submitted."""
    return (
        f'<textarea aria-labelledby="{name}" rows="5" autocomplete="off"></textarea>'
        f'<div class="site-rubric" hidden><p><b>A model answer.</b> {as_html(question.model)}</p>'
        f"<p>Which of these points does your text make?</p>{_choices('checkbox', _texts(question), name)}</div>"
    )


QUESTION_FIELDS: Mapping[str, Callable[[Question, str], str]] = for_each_type(
    "helpers/publish/cells/widgets.py",
    {
        "multiple_choice": _radios,
        "profile": _radios,
        "many_choice": lambda question, name: _choices("checkbox", _texts(question), name),
        "ordering": lambda question, name: _order(_texts(question), name),
        "numeric": lambda question, name: _number(question.unit, name),
        "open": _text,
    },
)
"""For each type of question the function that makes its input fields from the question and its name on the page."""

GRADERS: Mapping[str, str] = for_each_type(
    "helpers/publish/cells/widgets.py",
    {
        "multiple_choice": "choice",
        "profile": "network",
        "many_choice": "choices",
        "ordering": "order",
        "numeric": "number",
        "open": "text",
    },
)
"""The function of `grading.js` that grades each type of question."""

PREDICTION_FIELDS: Mapping[str, Callable[[Prediction, str], str]] = for_each_prediction(
    "helpers/publish/cells/widgets.py",
    {
        "choice": lambda prediction, name: _choices("radio", prediction.options, name),
        "order": lambda prediction, name: _order(prediction.options, name),
        "scale": _scale,
        "number": lambda prediction, name: _number(prediction.unit, name),
    },
)
