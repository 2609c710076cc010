"""A reader of GIFT, written from the description of the format (docs.moodle.org, "GIFT format"), for tests alone.

It knows what our files use: categories, comments with ids and tags, names, the format [html], choices with weights,
numbers with tolerances, matching, essays, feedback and general feedback.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

ESCAPED = re.compile(r"\\([\\~=#{}:n])|([\s\S])")


@dataclass
class Text:
    """A text with the format it is in."""

    text: str
    format: str


@dataclass
class GiftAnswer:
    """One answer: `weight` in per cent; `tolerance` with numbers, `match` in matching questions."""

    text: Text
    weight: float
    feedback: Text
    tolerance: float | None = None
    match: str = ""


@dataclass
class GiftQuestion:
    """One question, and the category it belongs to."""

    category: str
    id: str
    tags: list[str]
    name: str
    text: Text
    kind: str
    answers: list[GiftAnswer] = field(default_factory=list)
    general_feedback: Text | None = None


class Stream:
    """Characters that know whether they were escaped: an escaped one is never a sign of the format."""

    def __init__(self, characters: list[tuple[str, bool]]) -> None:
        self.characters = characters

    @classmethod
    def of(cls, source: str) -> Stream:
        pairs = ESCAPED.findall(source)
        return cls(
            [("\n" if escaped == "n" else escaped, False) if escaped else (plain, True) for escaped, plain in pairs]
        )

    def signs(self) -> str:
        """The same length, with a NUL wherever a character is no sign."""
        return "".join(character if sign else "\0" for character, sign in self.characters)

    def text(self) -> str:
        return "".join(character for character, _ in self.characters)

    def part(self, start: int, end: int | None = None) -> Stream:
        return Stream(self.characters[start:end])

    def split(self, sign: str, most: int = -1) -> list[Stream]:
        parts: list[Stream] = []
        start = 0
        for found in re.finditer(re.escape(sign), self.signs()):
            if len(parts) == most:
                break
            parts.append(self.part(start, found.start()))
            start = found.end()
        return [*parts, self.part(start)]


def read(source: str) -> list[GiftQuestion]:
    """All questions of a file; ValueError where it is not GIFT."""
    category, questions = "", []
    for block in re.split(r"\n[ \t]*\n", source):
        lines = [line.strip() for line in block.split("\n")]
        comments = "\n".join(line for line in lines if line.startswith("//"))
        content = "\n".join(line for line in lines if not line.startswith("//")).strip()
        if content.startswith("$CATEGORY:"):
            category = content.removeprefix("$CATEGORY:").strip()
        elif content:
            questions.append(_question(content, comments, category))
    return questions


def _question(content: str, comments: str, category: str) -> GiftQuestion:
    stream = Stream.of(content)
    named = re.match(r"::([^:]*)::", stream.signs())
    if not named:
        raise ValueError(f"no name: {content[:80]!r}")
    rest = stream.part(named.end())
    braces = re.search(r"\{([^{}]*)\}\s*$", rest.signs())
    if not braces or re.search(r"[{}]", rest.signs()[: braces.start()]):
        raise ValueError(f"not one pair of braces at the end: {content[:80]!r}")
    text = _text(rest.part(0, braces.start()), "moodle")
    inside = rest.part(braces.start(1), braces.end(1))
    general = None
    hashes = inside.signs().rfind("####")
    if hashes >= 0:
        general, inside = _text(inside.part(hashes + 4), text.format), inside.part(0, hashes)
    kind, answers = _answers(inside, text.format)
    return GiftQuestion(
        category,
        "".join(re.findall(r"\[id:([^\]]*)\]", comments)),
        re.findall(r"\[tag:([^\]]*)\]", comments),
        stream.part(named.start(1), named.end(1)).text(),
        text,
        kind,
        answers,
        general,
    )


def _text(stream: Stream, default: str) -> Text:
    """A text; it may name its format, [html], first."""
    start = len(stream.signs()) - len(stream.signs().lstrip())
    named = re.match(r"\[(html|plain|markdown|moodle)\]", stream.signs()[start:])
    content = stream.part(start + named.end() if named else start)
    return Text(content.text().strip(), named[1] if named else default)


def _answers(inside: Stream, format: str) -> tuple[str, list[GiftAnswer]]:
    signs = inside.signs().strip()
    if not signs:
        return "essay", []
    if signs.startswith("#"):
        return "numerical", [
            _answer(*each, format, number=True) for each in _pieces(inside.part(inside.signs().find("#") + 1))
        ]
    pieces = _pieces(inside)
    if "->" in signs and "~" not in signs:
        return "matching", [_match(piece, format) for _, piece in pieces]
    return "multichoice", [_answer(*each, format) for each in pieces]


def _pieces(stream: Stream) -> list[tuple[str, Stream]]:
    """Each answer with the sign that opens it, = or ~."""
    starts = [found.start() for found in re.finditer("[=~]", stream.signs())]
    if stream.signs()[: starts[0]].strip():
        raise ValueError(f"something stands before the first answer: {stream.text()[:80]!r}")
    ends = [*starts[1:], None]
    return [(stream.signs()[a], stream.part(a + 1, b)) for a, b in zip(starts, ends, strict=True)]


def _answer(sign: str, piece: Stream, format: str, number: bool = False) -> GiftAnswer:
    weighted = re.match(r"\s*%(-?\d+(?:\.\d+)?)%", piece.signs())
    weight = float(weighted[1]) if weighted else (100.0 if sign == "=" else 0.0)
    parts = piece.part(weighted.end() if weighted else 0).split("#", 1)
    feedback = _text(parts[1] if len(parts) > 1 else Stream([]), format)
    if not number:
        return GiftAnswer(_text(parts[0], format), weight, feedback)
    value, *tolerance = (each.text().strip() for each in parts[0].split(":"))
    return GiftAnswer(Text(value, "plain"), weight, feedback, float(tolerance[0]) if tolerance else None)


def _match(piece: Stream, format: str) -> GiftAnswer:
    left, right = piece.split("->", 1)
    return GiftAnswer(_text(left, format), 100.0, Text("", format), match=right.text().strip())
