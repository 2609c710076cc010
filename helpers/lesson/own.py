"""One's own record: scores over time, where the data lies, export, and a new beginning."""

from __future__ import annotations

import base64
import time
from datetime import datetime
from pathlib import Path

from helpers.figures import scores_over_time
from helpers.lesson.parts import View, html_box, make_button, paragraph, say_duration, show_if, verdict_html
from helpers.live import LiveFigure
from helpers.progress import Progress, growth, progress
from helpers.quiz import load_banks
from helpers.quiz.text import as_html
from helpers.runtime import SHORT_LIVED, is_short_lived

EXAM = "exam"
"""What the name of an exam's sitting begins with."""


def my_scores() -> View:
    """A plot of the questions answered and right over time, with the results of exams; a sentence before the first."""
    record = progress()
    questions = {question.id for question in load_banks()}
    exams = [each for each in record.sittings() if each.ended is not None and each.name.startswith(EXAM)]
    counts = growth(record.history(), questions, time.time())
    if not counts.at:
        return View([paragraph("No scores yet. They are drawn here once you have answered a quiz question.")], record)
    seconds = sum(lesson.seconds for lesson in record.summary().values())
    said = (
        f"{counts.answered[-1]} of {len(questions)} questions answered, {counts.right[-1]} right at the last try. "
        f"Time spent on predictions, exercises and questions: {say_duration(seconds)}."
    )
    figure = scores_over_time(
        counts.at, counts.answered, counts.right, len(questions),
        [(each.ended or 0.0, each.right / len(each.questions)) for each in exams],
    )  # fmt: skip
    return View([LiveFigure(figure, {}, dict), paragraph(said)], record)


class DataView(View):
    """Where the record lies, a button that exports it, and one that begins anew once that is confirmed."""

    def __init__(self, record: Progress) -> None:
        self._record = record
        self.place = html_box()
        self.export_button = make_button("Export as one JSON file", self._export)
        self.reset_button = make_button("Begin anew …", lambda: self._ask(True))
        self.confirm_button = make_button("Yes, set my record aside and begin anew", self._reset)
        self.keep_button = make_button("No, keep it", lambda: self._ask(False))
        self.told = html_box()
        buttons = [self.export_button, self.reset_button, self.told, self.confirm_button, self.keep_button]
        super().__init__([self.place, *buttons], record)
        self._show_place()
        self._ask(False)

    def _show_place(self) -> None:
        path = self._record.path
        where = f"Your record is this file: `{path}`." if path else "Your record is in the memory of this kernel only."
        if path and is_short_lived():
            where += f" {SHORT_LIVED} export it before you leave."
        self.place.value = f'<div class="lesson-said">{as_html(where)}</div>'

    def _export(self) -> None:
        name, content = f"gradient-course-{datetime.now():%Y%m%d-%H%M%S}.json", self._record.export()
        link = f'<a download="{name}" href="data:application/json;base64,{_base64(content)}">Download {name}</a>'
        message = f"Written to `{path}`." if (path := _write(self._record, name, content)) else "Ready."
        self._tell("✓", "Exported.", message, f" {link}")

    def _ask(self, asking: bool) -> None:
        """Show the two answers to the question in place of the button that asks it, or the other way round."""
        show_if(self.reset_button, not asking)
        show_if(self.confirm_button, asking)
        show_if(self.keep_button, asking)
        self.told.value = ""
        if asking:
            self._tell("?", "Begin anew?", "All lessons will show as not begun. A copy of your record stays beside it.")

    def _reset(self) -> None:
        self._ask(False)
        try:
            copy = self._record.empty()
        except RuntimeError as error:
            self._tell("·", "Not done.", str(error))
            return
        self._tell("✓", "A new record is begun.", f"The old one is kept as `{copy}`. Run the cells again to see it.")

    def _tell(self, sign: str, word: str, message: str, more: str = "") -> None:
        self.told.value = verdict_html(sign, word, message, "right" if sign == "✓" else "open", more)
        self.announcer.say(f"{word} {message}")


def my_data() -> DataView:
    """Show where the learner's record lies, and offer to export it or to begin anew."""
    return DataView(progress())


def _write(record: Progress, name: str, content: str) -> Path | None:
    """The export as a file beside the record; None where nothing can be written."""
    if record.path is None:
        return None
    path = record.path.with_name(name)
    try:
        path.write_text(content, encoding="utf-8")
    except OSError:
        return None
    return path


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
