"""The printed paper and its key, read by an HTML parser; what the printer makes of them is a browser test."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings

from helpers.publish.exports import choose, paper
from helpers.publish.exports.markup import as_html, body
from helpers.publish.exports.presented import present
from helpers.quiz import NEEDS
from helpers.quiz.instances import build
from helpers.quiz.papers import has_one_form, version_of
from tests import nasty_texts
from tests.html_reader import tags_of, text_of
from tests.quiz_examples import OF_EACH_TYPE

QUESTIONS = [*choose(seed=3, needs=NEEDS), *(build(entry, 3) for entry in OF_EACH_TYPE)]
SHEET, KEY = paper.documents(QUESTIONS, seed=3)


def written(text):
    return paper.as_written(as_html(text))


def sections(page):
    return re.findall(r'<section class="question">(.*?)</section>', page, flags=re.DOTALL)


@pytest.mark.parametrize("page", [SHEET, KEY], ids=["paper", "key"])
def test_the_pages_are_whole_and_ask_for_nothing_from_outside(page):
    tags = tags_of(page)  # would refuse tags that don't match
    assert tags[:2] == [("html", {"lang": "en"}), ("head", {})] and ("meta", {"charset": "utf-8"}) in tags
    assert not {tag for tag, _ in tags} & {"script", "link", "iframe", "img"}
    assert not any("href" in attributes or "src" in attributes for _, attributes in tags)
    assert not re.search(r"url\(|@import", page)
    policies = [each["content"] for _, each in tags if each.get("http-equiv") == "Content-Security-Policy"]
    assert len(policies) == 1 and policies[0].startswith("default-src 'none'; style-src 'unsafe-inline';")


def test_each_question_is_there_once_with_its_number_on_paper_and_key():
    for page in (SHEET, KEY):
        found = sections(page)
        assert len(found) == len(QUESTIONS)
        for number, (section, question) in enumerate(zip(found, QUESTIONS, strict=True), start=1):
            assert text_of(section).startswith(str(number))
            assert written(question.text) in section


def test_the_paper_says_nothing_of_the_solutions():
    for section, question in zip(sections(SHEET), QUESTIONS, strict=True):
        for answer in question.answers:
            assert written(answer.feedback) not in section
        assert not question.model or written(question.model) not in section
        assert "✓" not in section


def test_the_key_has_the_solution_and_every_feedback():
    for section, question in zip(sections(KEY), QUESTIONS, strict=True):
        shown = present(question)
        solved = replace(shown, explanation=shown.explanation and paper.on_paper(shown.explanation)).solved()
        assert paper.as_written(solved) in section
        assert all(written(paper.on_paper(remark.feedback)) in section for remark in shown.remarks)


def test_the_key_asks_nobody_to_move_a_slider():
    assert paper.on_paper("It falls as steeply. Set the depth to 40 and look.") == "It falls as steeply."
    assert paper.on_paper("Move the weight until the line is level.").startswith("In the lesson: move the weight")
    feedback = [paper.on_paper(remark.feedback) for question in choose(seed=3) for remark in present(question).remarks]
    assert len(feedback) > 300
    assert not any(re.search(r"(^|[.!?] )(Set|Move|Press|Run) the ", each) for each in feedback)


def test_how_several_right_answers_are_marked_is_said_where_there_are_some():
    several = [question for question in QUESTIONS if question.type == "many_choice"][:1]
    sheet, key = paper.documents(several, seed=0)
    assert "More than one may be right" in text_of(sheet)
    assert "each wrong mark takes away" in text_of(key) and "takes away" not in text_of(sheet)
    others = [question for question in QUESTIONS if question.type == "numeric"]
    assert "takes away" not in text_of(paper.documents(others, seed=0)[1])


def test_an_index_stands_below_its_letter():
    assert paper.as_written("σ_w² = 1, <code>σ_w</code>, a_long_name") == (
        "σ<sub>w</sub>² = 1, <code>σ_w</code>, a_long_name"
    )


def test_each_type_has_its_place_for_the_answer():
    for section, question in zip(sections(SHEET), QUESTIONS, strict=True):
        tags = tags_of(section)
        boxes = sum(attributes.get("class") == "box" for _, attributes in tags)
        lines = sum(attributes.get("class") == "line" for _, attributes in tags)
        blanks = sum(attributes.get("class") == "blank" for _, attributes in tags)
        if question.type == "numeric":
            assert (boxes, lines, blanks) == (0, 0, 1)
        elif question.type == "open":
            assert boxes == blanks == 0 and lines == 2 + 2 * len(question.answers)
        else:
            assert (boxes, lines, blanks) == (len(question.answers), 0, 0)
        assert [tag for tag, _ in tags].count("svg") == (question.type == "profile")


def test_points_add_up_to_what_the_head_says():
    points = [int(number) for number in re.findall(r"lesson \d\d · (\d+) points?", SHEET)]
    assert points == [question.kind.points(question) for question in QUESTIONS]
    assert f"of {sum(points)}<" in SHEET
    assert f"{len(QUESTIONS)} questions, seed 3" in text_of(SHEET)


def test_one_question_is_one_question():
    assert ">1 question, seed 0<" in paper.documents(QUESTIONS[:1], seed=0)[0]


@settings(max_examples=40)
@given(nasty_texts.questions)
def test_any_text_comes_back_intact(question):
    sheet, key = paper.documents([question], seed=0)
    for page in (sheet, key):
        assert tags_of(page) is not None
        assert text_of(paper.as_written(body(question))) in text_of(page)
        assert text_of(written(question.text)) in text_of(page)
    for answer in question.answers:
        assert text_of(written(answer.text)) in text_of(sheet) or question.type == "open"
        assert text_of(written(paper.on_paper(answer.feedback))) in text_of(key)
    assert {tag for tag, _ in tags_of(sections(sheet)[0])} <= {
        "div",
        "p",
        "br",
        "pre",
        "code",
        "ol",
        "li",
        "span",
        "em",
        "sub",
    }


# Layout and versions -------------------------------------------------------------------------------------------------


def test_versions_ask_the_same_in_other_numbers_and_orders():
    questions = choose(seed=3, questions=12)
    files = paper.files(questions, 3, paper.Layout(versions=3))
    assert list(files) == [f"paper_{version}{part}.html" for version in "ABC" for part in ("", "_key")]
    pages = [files[f"paper_{version}.html"].decode() for version in "ABC"]
    texts = [[text_of(section).split("  ")[0] for section in sections(page)] for page in pages]
    assert len({str(each) for each in texts}) == 3
    versions = [version_of(questions, 3, version) for version in "ABC"]
    ids = [[question.id for question in each] for each in versions]
    assert {frozenset(each) for each in ids} == {frozenset(question.id for question in questions)}
    assert len({tuple(each) for each in ids}) == 3
    for version, page in zip("ABC", pages, strict=True):
        for each in (page, files[f"paper_{version}_key.html"].decode()):
            assert each.replace("\u00a0", " ").count(f"Version {version}") == 2
    assert paper.files(questions, 3, paper.Layout(versions=3)) == files


@pytest.mark.parametrize("seed", ["spring", "0"])
def test_no_two_versions_ask_a_question_in_the_same_numbers_or_order(seed):
    questions = choose(seed=seed, needs=NEEDS)
    versions = [{each.id: each for each in version_of(questions, seed, version)} for version in "ABC"]
    for question in questions:
        forms = [version[question.id] for version in versions]
        if question.varies:
            assert len({(form.text, form.code, str(form.network)) for form in forms}) == 3, question.id
        elif question.order:
            assert len({form.order for form in forms}) == 3, question.id
        else:
            assert has_one_form(question)


def test_a_key_shows_the_picture_once_and_speaks_to_the_teacher():
    assert SHEET.count("<svg") == KEY.count("<svg") > 0
    assert "you chose" not in KEY and "would be" in KEY


def test_title_date_and_space_are_the_teachers():
    sheet, key = paper.documents(QUESTIONS, 3, paper.Layout("Test <2>", "14 March", working_mm=40))
    assert "<h1>Test &lt;2&gt;</h1>" in sheet
    assert "<h1>Test &lt;2&gt; ·\u00a0Key</h1>" in key
    assert all(
        "<h1>Test ·\u00a0Version\u00a0B" in page for page in paper.documents(QUESTIONS, 3, paper.Layout("Test"), "B")
    )
    assert "14 March" in sheet
    assert ".working { height: 40mm; }" in sheet
    numeric = sum(question.type == "numeric" for question in QUESTIONS)
    assert sheet.count('<div class="working">') == numeric > 0


def test_the_key_begins_with_all_answers_in_a_line():
    row = re.search(r'<ol class="answers">(.*?)</ol>', KEY)
    assert row
    answers = re.findall(r"<li><b>(\d+)</b>(.*?)</li>", row[1])
    assert [int(number) for number, _ in answers] == [*range(1, len(QUESTIONS) + 1)]
    assert [solution for _, solution in answers] == [written(present(each).solution or "–") for each in QUESTIONS]
    assert "answers" not in SHEET.partition("<main>")[0].partition("</style>")[2]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the gradient is 2.5e-3", "the gradient is 2.5\u00a0×\u00a010⁻³"),
        ("1e-12", "10⁻¹²"),
        ("9e15.", "9\u00a0×\u00a010¹⁵."),
        ("A cell prints 2e-03", "A cell prints 2e-03"),
        ("<code>1e-8</code> and 1e-8", "<code>1e-8</code> and 10⁻⁸"),
        ('<td title="1e-8">0.25</td>', '<td title="1e-8">0.25</td>'),
        ("layer1e5 and 3e5x", "layer1e5 and 3e5x"),
    ],
)
def test_numbers_stand_as_people_write_them(text, expected):
    assert paper.as_written(text) == expected


def test_no_number_on_the_paper_is_written_for_a_machine():
    for page in (SHEET, KEY):
        text = re.sub(
            r"<(pre|code|svg).*?</\1>", "", page.partition("<body>")[2].partition("</body>")[0], flags=re.DOTALL
        )
        assert re.findall(r"(?<![\w.])\d+(?:\.\d+)?e[+-]?[1-9]\d*(?!\w)", text_of(text)) == []
