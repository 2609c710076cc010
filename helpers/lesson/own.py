"""The learner's own record: scores over time, where the data is stored, export, import and reset."""

from __future__ import annotations

import base64
import re
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import ipywidgets as widgets

from helpers.figures import scores_over_time
from helpers.lesson.parts import View, format_duration, html_box, make_button, paragraph, show_if
from helpers.live import LiveFigure
from helpers.progress import Merged, Progress, growth, progress
from helpers.quiz import Verdict, load_banks
from helpers.quiz.text import as_html
from helpers.runtime import SHORT_LIVED, is_short_lived

EXAM = "exam"
"""The prefix of the name of an exam's sitting."""


def my_scores() -> View:
    """Plot the questions answered and right over time, with exam results; a sentence where there is no answer yet."""
    record = progress()
    questions = {question.id for question in load_banks()}
    exams = [each for each in record.sittings() if each.ended is not None and each.name.startswith(EXAM)]
    counts = growth(record.history(), questions, time.time())
    if not counts.at:
        return View([paragraph("No scores yet. They are drawn here once you have answered a quiz question.")], record)
    seconds = sum(lesson.seconds for lesson in record.summary().values())
    summary = (
        f"{counts.answered[-1]} of {len(questions)} questions answered, {counts.right[-1]} right at the last try. "
        f"Time spent on predictions, exercises and questions: {format_duration(seconds)}."
    )
    figure = scores_over_time(
        counts.at,
        counts.answered,
        counts.right,
        len(questions),
        [(each.ended or 0.0, each.right / len(each.questions)) for each in exams],
    )
    return View([LiveFigure(figure, {}, dict), paragraph(summary)], record)


MOST_LETTERS = 80
"""How many letters of a name are used for a file."""
MOST_NAMED = 5
"""How many unreadable entries are named."""


class DataView(View):
    """Where the record is stored, and buttons that export it, read an export back, and start over after a question."""

    def __init__(self, record: Progress) -> None:
        self._record = record
        self.place = html_box()
        self.name = widgets.Text(
            description="Your name",
            placeholder="names the file, if you hand it in",
            style={"description_width": "initial"},
        )
        self.export_button = make_button("Export as one JSON file", self._export)
        self.upload = widgets.FileUpload(accept=".json,.sqlite3", description="Read an export back")
        self.upload.observe(self._read_uploaded, "value")
        self.reset_button = make_button("Start over …", lambda: self._ask(True))
        self.confirm_button = make_button("Yes, set my record aside and start over", self._reset)
        self.keep_button = make_button("No, keep it", lambda: self._ask(False))
        self.message = html_box()
        buttons = [self.name, self.export_button, self.upload, self.reset_button]
        super().__init__([self.place, *buttons, self.message, self.confirm_button, self.keep_button], record)
        self._show_place()
        self._ask(False)

    def read(self, path: str | Path) -> DataView:
        """Add the entries of an export or a copy of a record that the record lacks; returns this view with the result.

        Entries are ordered by time, none twice. Raises FileNotFoundError or another OSError where the file can't be
        opened, ValueError where it isn't an export of this course or no part of it can be read, RuntimeError where the
        record can't be written now. The record then stays as it is.
        """
        path = Path(path).expanduser()
        if not path.is_file():
            raise FileNotFoundError(f"path is {str(path)!r}; there is no such file: give the path of an export")
        self._show_merged(path.name, self._record.read_back(str(path), path.read_bytes()))
        return self

    def _read_uploaded(self, change: dict[str, object]) -> None:
        """Read each chosen file, then clear the widget, so that the same file can be chosen again."""
        if not self.upload.value:
            return
        uploaded = self.upload.value
        files = list(uploaded.items()) if isinstance(uploaded, dict) else [(each["name"], each) for each in uploaded]
        for name, file in files:
            try:
                self._show_merged(name, self._record.read_back(name, bytes(file["content"])))
            except (ValueError, RuntimeError) as error:
                self.show_verdict(self.message, Verdict("open", "Not read.", str(error)))
        self.upload.value = type(uploaded)()

    def _show_merged(self, name: str, merged: Merged) -> None:
        added = f"{merged.added} {'entry was' if merged.added == 1 else 'entries were'} added from `{name}`"
        known = f", {merged.known} {'was' if merged.known == 1 else 'were'} there already."
        left_out = ""
        if merged.left_out:
            more = len(merged.left_out) - MOST_NAMED
            named = "; ".join(merged.left_out[:MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")
            left_out = f" Left out, since it cannot be read: {named}."
        copy = f" The record as it was before is kept as `{merged.copy}`." if merged.copy else ""
        again = " Run the cells again to see it." if merged.added else ""
        self.show_verdict(self.message, Verdict("right", "Read.", f"{added}{known}{left_out}{copy}{again}"))

    def _show_place(self) -> None:
        is_where = "belongs in this file and is in memory now" if self._record.trouble else "is this file"
        where = f"Your record {is_where}: `{self._record.path}`."
        if is_short_lived():
            where += f" {SHORT_LIVED} export it before you leave."
        self.place.value = f'<div class="lesson-paragraph">{as_html(where)}</div>'

    def _export(self) -> None:
        own = re.sub(r"[^\w -]+", "", self.name.value).strip()[:MOST_LETTERS]
        name, content = f"{own or f'gradient-course-{datetime.now():%Y%m%d-%H%M%S}'}.json", self._record.export()
        data = base64.b64encode(content.encode()).decode()
        link = f'<a download="{name}" href="data:application/json;base64,{data}">Download {name}</a>'
        message = f"Written to `{path}`." if (path := _write(self._record, name, content)) else "Ready."
        self.show_verdict(self.message, Verdict("right", "Exported.", message), f" {link}")

    def _ask(self, asking: bool) -> None:
        """Replace the reset button by the two buttons that answer the question, or the other way round."""
        show_if(self.reset_button, not asking)
        show_if(self.confirm_button, asking)
        show_if(self.keep_button, asking)
        self.message.value = ""
        if asking:
            message = "All lessons will show as not begun. A copy of your record stays beside it."
            self.show_verdict(self.message, Verdict("asked", "Start over?", message))

    def _reset(self) -> None:
        self._ask(False)
        try:
            copy = self._record.empty()
        except RuntimeError as error:
            self.show_verdict(self.message, Verdict("open", "Not done.", str(error)))
            return
        message = f"The old one is kept as `{copy}`. Run the cells again to see it."
        self.show_verdict(self.message, Verdict("right", "A new record is started.", message))


def my_data() -> DataView:
    """Show where the learner's record is stored, and offer to export it, to read an export back, or to start over.

    `lesson.my_data().read("export.json")` reads a file back without the button; see `DataView.read`.
    """
    return DataView(progress())


def _write(record: Progress, name: str, content: str) -> Path | None:
    """Write the export beside the record, whole or not at all; None where it can't be written."""
    path, half = record.path.with_name(name), record.path.with_name(f"{name}.part")
    try:
        half.write_text(content, encoding="utf-8")
        half.replace(path)
    except OSError:
        with suppress(OSError):
            half.unlink(missing_ok=True)
        return None
    return path
