"""What a reader of an HTML page sees, for tests of what we write as HTML."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"br", "img", "meta", "hr", "line", "path", "rect", "polyline", "circle"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "br":
            self.parts.append("\n")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise ValueError(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def _read(source: str) -> _Reader:
    reader = _Reader()
    reader.feed(source)
    reader.close()
    if reader.open:
        raise ValueError(f"never closed: {reader.open}")
    return reader


def text_of(source: str) -> str:
    """The text of a piece of HTML, line breaks as such; ValueError where its tags don't match."""
    return "".join(_read(source).parts)


def tags_of(source: str) -> list[tuple[str, dict[str, str | None]]]:
    """Its tags in order, with their attributes."""
    return _read(source).tags
