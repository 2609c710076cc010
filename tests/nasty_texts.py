"""Questions whose texts hold everything that means something in HTML, XML, GIFT or Anki."""

from __future__ import annotations

from hypothesis import strategies as st

from helpers.quiz import Answer, Question

SNIPPETS = [
    *("<script>alert(1)</script>", "<b>", "</b>", "</p>", "&amp;", "&lt;", "&&058;", "]]>", "<![CDATA[", "<!--", "-->"),
    *('"', "'", "{", "}", "=", "~", "#", ":", "::", "->", "//", "//\n", "####", "\\", "\\n", "\\:", "\\{", "\\\\"),
    *("[", "]", "[html]", "[plain]", "[sound:x.mp3]", "[latex]", "{{Answer}}", "{{c1::x}}", "%50%", "%-50%"),
    *("$CATEGORY:", "$$", "\\(", "@@PLUGINFILE@@", "*", "0", "T", "TRUE", "½", "σ²", "10⁻⁶", "√", "é", "🙂"),
    *("\n", "\n\n", "\t", " ", "\r\n", "\0", "\x07", "\x1f", "\ud800", "\ufffe", "\u2028"),
]
CHARACTERS = st.characters(codec=None, exclude_characters="`")

texts = (
    st.lists(st.sampled_from(SNIPPETS) | st.text(CHARACTERS, max_size=3), min_size=1)
    .map("".join)
    .filter(lambda text: text.strip(" \t\n\r\0\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u2028\u2029") != "")
)
"""Texts without backticks, which mark code."""


@st.composite
def choices(draw: st.DrawFn) -> Question:
    """A multiple-choice question of such texts."""
    options = draw(st.lists(texts, min_size=2, max_size=5))
    right = draw(st.integers(0, len(options) - 1))
    answers = tuple(Answer(draw(texts), correct=place == right, text=text) for place, text in enumerate(options))
    return Question("07-nasty", "multiple_choice", draw(texts), answers, code=draw(st.just("") | texts))


@st.composite
def numbers(draw: st.DrawFn) -> Question:
    """A numeric question of such texts."""
    values = draw(st.lists(st.floats(-1e12, 1e12).map(lambda x: float(f"{x:.3g}")), min_size=1, max_size=4))
    answers = [Answer(draw(texts), correct=not place, value=value) for place, value in enumerate(values)]
    unit = draw(st.sampled_from(["", "%", "layers", "<b>", "{=~#:}", "m/s\x07"]))
    every = (*answers, Answer(draw(texts), default=True))
    return Question("07-nasty", "numeric", draw(texts), every, unit=unit, tolerance=0.05)


@st.composite
def others(draw: st.DrawFn) -> Question:
    """An ordering, an open question, or one with several right answers."""
    kind = draw(st.sampled_from(["many_choice", "ordering", "open"]))
    entries = draw(st.lists(texts, min_size=3, max_size=5, unique=True))
    answers = tuple(
        Answer(draw(texts), correct=place < 2 and kind == "many_choice", text=text)
        for place, text in enumerate(entries)
    )
    more = {"ordering": {"feedback": draw(texts)}, "open": {"model": draw(texts)}}.get(kind, {})
    return Question("07-nasty", kind, draw(texts), answers, **more)


questions = choices() | numbers() | others()
