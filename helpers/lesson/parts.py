"""Small parts of a lesson's widgets: escaped text, boxes, buttons, verdicts, and announcements for screen readers."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from pathlib import Path

import anywidget
import ipywidgets as widgets
import traitlets

from helpers.live import browser
from helpers.progress import Progress
from helpers.quiz.text import as_html
from helpers.quiz.verdict import Verdict


def as_plain(text: str) -> str:
    """Text without backticks, for places that show no code: buttons, labels, screen readers."""
    return text.replace("`", "")


class Announcer(anywidget.AnyWidget):
    """A hidden line that screen readers read out when `announce` changes it.

    It also loads the style sheet, shows warnings and scrolls the page for its view.
    """

    _esm = browser.joined(browser.HERE / "ipywidgets.js", Path(__file__).with_name("lesson.js"))
    _css = Path(__file__).with_name("lesson.css")
    text = traitlets.Unicode("").tag(sync=True)
    warning = traitlets.Unicode("").tag(sync=True)
    over = traitlets.Bool(False).tag(sync=True)
    target = traitlets.Dict().tag(sync=True)

    def announce(self, text: str) -> None:
        """Have the text read out, even if it is the same as before."""
        text = as_plain(text)
        self.text = text + "\u00a0" if text == self.text else text

    def warn(self, text: str, over: bool = False) -> None:
        """Show a warning at the foot of the window, wherever the page is scrolled to, and have it read out.

        It stays until a text with `over` replaces it. Several views with the same warning show it once.
        """
        with self.hold_sync():
            self.warning, self.over = text, over

    def bring_into_view(self, widget: object, way_back: widgets.DOMWidget | None = None) -> None:
        """Scroll the page to a widget, wherever it is shown.

        A live figure in it then offers a button that leads to the widget `way_back`.
        """
        if isinstance(widget, widgets.DOMWidget):
            back = "" if way_back is None else _marked(way_back)
            self.target = {"mark": _marked(widget), "back": back, "time": self.target.get("time", 0) + 1}


def _marked(widget: widgets.DOMWidget) -> str:
    """Add the CSS class by which the page finds a widget, and return it."""
    mark = f"lesson-target-{widget.model_id}"
    widget.add_class(mark)
    return mark


def html_box(content: str = "", *classes: str) -> widgets.HTML:
    """A box for HTML that is already escaped, with CSS classes."""
    box = widgets.HTML(content)
    for name in classes:
        box.add_class(name)
    return box


def make_button(label: str, action: Callable[[], None], primary: bool = False) -> widgets.Button:
    """A button that calls `action`; the primary one of a view stands out."""
    button = widgets.Button(description=label, button_style="primary" if primary else "")
    button.on_click(lambda _: action())
    return button


def show_if(widget: widgets.Widget, shown: bool) -> None:
    """Show a widget, or hide it from the page and from keyboard navigation."""
    widget.layout.display = None if shown else "none"


def verdict_html(verdict: Verdict, more: str = "") -> str:
    """A verdict as HTML, shown by sign, word and colour; its texts are escaped here, `more` already is HTML."""
    head = f"<strong>{verdict.sign} {html.escape(verdict.word)}</strong>"
    return f'<div class="lesson-verdict lesson-{verdict.kind}">{head} {as_html(verdict.message)}{more}</div>'


def table_html(head: Sequence[str], rows: Sequence[Sequence[str]], links: Sequence[str] = ()) -> str:
    """A table in the course's style, its texts escaped; the first cell of each row links to its address in `links`."""
    top = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in head)
    cells = [[html.escape(cell) for cell in row] for row in rows]
    for row, address in zip(cells, links, strict=False):
        row[0] = f"<a href='{address}' target='_blank'>{row[0]}</a>"
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in cells)
    return f'<table class="lesson-map"><tr>{top}</tr>{body}</table>'


def paragraph(text: str) -> widgets.HTML:
    """A paragraph of plain text."""
    return html_box(f'<div class="lesson-paragraph">{as_html(text)}</div>')


def format_duration(seconds: float) -> str:
    """A duration for a sentence: "under a minute", "12 min", "3 h 5 min", "2 days"."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "under a minute"
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes < 48 * 60 else f"{round(minutes / 1440)} days"


class View(widgets.VBox):
    """A column in the course's style, with its announcer and the notice about the record, if there is one."""

    children: tuple[widgets.Widget, ...]

    def __init__(self, children: Sequence[widgets.Widget], record: Progress) -> None:
        self.announcer, self._notice, self._kept_by = Announcer(), html_box(), record
        super().__init__([*children, self.announcer])
        self.add_class("lesson")
        self._show_notice()
        record.follow(self._show_notice)
        record.shown()

    def announce(self, text: str) -> None:
        """Have a text read out by screen readers."""
        self.announcer.announce(text)

    def show_verdict(self, box: widgets.HTML, verdict: Verdict, more: str = "") -> None:
        """Show a verdict in a box, followed by the HTML `more`, and have its sentence read out."""
        box.value = verdict_html(verdict, more)
        self.announce(verdict.sentence)

    def _show_notice(self) -> None:
        """Show the notice about the record at the top, and a warning while it can't be written to its file."""
        notice, trouble = self._kept_by.notice, self._kept_by.trouble
        if self.announcer.warning and not self.announcer.over and not trouble:
            written = f"Everything is written to {self._kept_by.path} again."
            self.announcer.warn(written, over=True)
            notice = f"{written} {notice}"
        elif trouble:
            self.announcer.warn(trouble)
        self._notice.value = f'<div class="lesson-notice">{html.escape(notice)}</div>' if notice else ""
        if notice and self._notice not in self.children:
            self.children = (self._notice, *self.children)
