"""What goes out: the choice of questions, numbers, command line. The formats have tests of their own."""

from __future__ import annotations

import contextlib
import json
import math
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from helpers import quiz
from helpers.publish import check_bank, commands
from helpers.publish.exports import FORMATS, ChoiceError, choose, export
from helpers.publish.exports.__main__ import main
from helpers.publish.exports.markup import as_html, cleaned
from helpers.publish.exports.numbers import interval, leeway, stated
from helpers.publish.exports.presented import present
from helpers.quiz import NEEDS, Answer, Question, grade, instantiate
from helpers.quiz.instances import build
from tests.html_reader import tags_of, text_of
from tests.quiz_examples import OF_EACH_TYPE

ROOT = Path(__file__).resolve().parents[1]
ALL = choose(needs=NEEDS)
SHOWN = [*ALL, *(build(entry, 5) for entry in OF_EACH_TYPE)]


def test_all_questions_of_all_lessons_go_out_once_in_the_order_of_the_banks():
    assert [question.id for question in ALL] == [
        question.id for lesson in quiz.available_lessons() for question in quiz.load_bank(lesson)
    ]
    assert {question.id for question in choose(["3", "05", "03"], needs=NEEDS)} == {
        question.id for question in ALL if question.lesson in ("03", "05")
    }


def test_a_seed_draws_the_same_questions_each_time_and_another_seed_others():
    drawn = choose(seed=1, questions=12)
    assert len({question.id for question in drawn}) == 12
    assert drawn == choose(seed="1 ", questions=12) != choose(seed=2, questions=12)
    assert [question.lesson for question in drawn] == sorted(question.lesson for question in drawn)


GRADED = sum(question.type != "open" and not question.needs for question in ALL)


@pytest.mark.parametrize("number", [0, -1, GRADED + 1])
def test_a_number_of_questions_that_cannot_be_had_is_refused(number):
    with pytest.raises(ChoiceError, match=f"give a number from 1 to {GRADED}$"):
        choose(questions=number)


def test_what_needs_more_than_pencil_and_paper_goes_out_only_when_asked_for():
    plain, panel = choose(), choose(needs=["panel"])
    assert {question.needs for question in plain} == {""}
    assert {question.needs for question in panel} == {"", "panel"}
    assert len(plain) < len(panel) < len(ALL)
    with pytest.raises(ValueError, match="each of needs must be one of panel, run; got 'computer'"):
        choose(needs=["computer"])


def test_a_question_that_speaks_of_the_panel_or_of_cells_says_what_it_needs():
    speaks = re.compile(r"\b(panel|slider)s?\b|\b(Press|Move|Run|Set|Choose|Read it)\b|^Use the")
    assert [question.id for question in ALL if speaks.search(question.text) and not question.needs] == []


def test_the_words_for_needs_are_those_of_the_command_line():
    assert set(commands.NEEDS) == set(NEEDS)


def test_a_layout_is_for_paper_only(tmp_path, capsys):
    assert main(["gift", "--versions", "2", "--to", str(tmp_path)]) == 1
    assert "are for a paper" in capsys.readouterr().err
    assert main(["paper", "--lesson", "00", "--questions", "3", "--versions", "2", "--to", str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "paper_A.html",
        "paper_A_key.html",
        "paper_B.html",
        "paper_B_key.html",
    ]


def test_a_lesson_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(ChoiceError, match="no questions for lesson '77': give one of 00, 01"):
        choose(["03", "77"])


def test_a_format_that_is_not_known_is_refused_with_those_that_are(tmp_path):
    with pytest.raises(ValueError, match="format must be one of anki, moodle, gift, paper; got 'word'"):
        export("word", ALL[:1], tmp_path)


@pytest.mark.parametrize("format", [name for name in FORMATS if name != "anki"])
def test_exporting_twice_gives_the_same_bytes(tmp_path, format):
    twice = [[path.read_bytes() for path in export(format, ALL, tmp_path / name, seed=3)] for name in "ab"]
    assert twice[0] == twice[1]
    assert all(b"\r" not in content for content in twice[0])


def test_where_several_answers_are_right_the_question_says_so():
    """On paper and on a card nothing else tells."""
    assert [q.id for q in ALL if q.type == "many_choice" and not re.search(r"\b[Tt]ick all\b", q.text)] == []


def test_the_banks_emphasise_nothing_with_asterisks():
    """Neither the course nor what goes out would show them as emphasis."""
    texts = {q.id: [q.text, q.model, q.feedback, *(t for a in q.answers for t in (a.text, a.feedback))] for q in ALL}
    emphasis = re.compile(r"(?<![\w*])\*[A-Za-z][^*]*\*(?![\w*])")
    assert [(id, text) for id, shown_texts in texts.items() for text in shown_texts if emphasis.search(text)] == []


# Texts ---------------------------------------------------------------------------------------------------------------


@given(st.text(alphabet=st.characters(codec=None)))
def test_html_gives_the_text_back_and_nothing_in_it_is_a_tag(text):
    assume("`" not in text)
    assert text_of(as_html(text)) == cleaned(text)
    assert {tag for tag, _ in tags_of(as_html(text))} <= {"br"}


def test_backticks_become_code():
    assert as_html("a `b < c` d ` e") == "a <code>b &lt; c</code> d ` e"


def test_what_no_file_can_hold_is_marked():
    assert cleaned("a\0b\x07c\ud800d\r\ne\rf\tg") == "a\ufffdb\ufffdc\ufffdd\ne\nf\tg"


# Numbers -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", [pytest.param(q, id=q.id) for q in ALL if q.type == "numeric"])
def test_an_interval_takes_what_grading_takes(question):
    """Along each interval and beside it, the first interval that holds a number is the answer that grading finds."""
    taken = [(interval(question, answer), answer) for answer in question.answers]
    for own, _ in taken:
        if own is None:
            continue
        for share in (-1.02, -0.98, -0.5, 0, 0.5, 0.98, 1.02):
            number = own.centre + share * own.margin
            found = next(
                answer
                for other, answer in taken
                if other is None or abs(number - other.centre) <= other.margin * (1 + 1e-12)
            )
            assert grade(question, number).feedback == found.feedback, (number, found)


@given(
    st.floats(-1e30, 1e30, allow_subnormal=False).filter(lambda x: x == 0 or abs(x) > 1e-30),
    st.one_of(st.none(), st.floats(1e-6, 10)),
    st.one_of(st.none(), st.integers(1, 12)),
)
def test_what_is_written_lies_within_what_is_taken(value, tolerance, precision):
    right = Answer("yes", correct=True, value=value)
    question = Question(
        "07-n", "numeric", "?", (right, Answer("no", default=True)), tolerance=tolerance, precision=precision
    )
    taken = interval(question, right)
    assert grade(question, float(taken.written())).correct
    assert abs(float(taken.written()) - taken.centre) <= taken.margin / 100
    assert abs(float(taken.readable()) - taken.centre) <= taken.margin / 4
    assert float(taken.margin_written()) == pytest.approx(taken.margin, rel=1e-11)


def test_numbers_in_words():
    def answer_text(answer, **more):
        question = Question("07-n", "numeric", "?", (answer,), **more)
        return stated(question, answer) + leeway(question, answer)

    assert answer_text(Answer("", value=0.14142, correct=True), tolerance=0.04) == "0.141 (within 4 %)"
    assert answer_text(Answer("", value=16.84), tolerance=0.0001, unit="layers") == "16.84 layers (within 0.01 %)"
    assert answer_text(Answer("", value=538.0), precision=4) == "538 (4 significant digits)"
    assert answer_text(Answer("", range=(24.5, 26.5)), tolerance=0.1, unit="steps") == "from 24.5 to 26.5 steps"
    assert answer_text(Answer("", default=True), tolerance=0.1) == "any other number"
    assert answer_text(Answer("", value=2.0)) == "2"
    assert answer_text(Answer("", value=16777216.0), tolerance=0.03) == "1.68e7 (within 3 %)"
    assert answer_text(Answer("", value=2.5406e-05), tolerance=0.01) == "2.54e-5 (within 1 %)"


def test_two_corners_of_the_intervals_are_as_documented():
    precise = Question("07-n", "numeric", "?", (Answer("", value=1.0, correct=True),), precision=3)
    assert interval(precise, precise.answers[0]).margin == pytest.approx(0.005)
    assert not grade(
        Question("07-n", "numeric", "?", (*precise.answers, Answer("", default=True)), precision=3), 0.996
    ).correct
    assert math.isclose(interval(precise, Answer("", range=(1, 2))).centre, 1.5)


# What paper and cards show -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", [pytest.param(q, id=q.id) for q in SHOWN])
def test_every_feedback_is_shown_and_the_solution_is_what_grading_takes(question):
    shown = present(question)
    remarks = [question.kind.remark(question, place) for place in range(len(question.answers))]
    assert {remark.feedback for remark in shown.remarks} == set(remarks)
    assert all(answer.feedback in remark for answer, remark in zip(question.answers, remarks, strict=True))
    assert shown.explanation == (question.model or question.feedback)
    assert bool(shown.solution) == (question.type != "open")
    if shown.options:
        picked = [shown.options["ABCDEFGH".index(letter)] for letter in shown.solution.split(", ")]
        assert grade(question, picked if question.type in ("many_choice", "ordering") else picked[0]).correct


def test_a_seed_orders_the_options_and_another_one_otherwise():
    choices = [question for question in ALL if question.type == "multiple_choice"]
    orders = [[present(instantiate(question, seed)).options for question in choices] for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]
    assert all(sorted(a) == sorted(b) for a, b in zip(orders[0], orders[2], strict=True))
    firsts = [present(instantiate(question, seed)).solution[0] for question in choices for seed in range(5)]
    assert {firsts.count(letter) / len(firsts) < 0.4 for letter in "ABCD"} == {True}


# The command ---------------------------------------------------------------------------------------------------------


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "helpers.publish.exports", *arguments], cwd=ROOT, capture_output=True, encoding="utf-8"
    )


def test_the_command_writes_and_names_the_files(tmp_path):
    done = run("paper", "--to", str(tmp_path / "new" / "folder"), "--lesson=03", "--seed=4", "--questions=5")
    assert done.returncode == 0, done.stderr
    paper, key = tmp_path / "new/folder/paper.html", tmp_path / "new/folder/paper_key.html"
    head, *files, where, left_out, end = done.stdout.split("\n")
    assert (head, files, end) == ("5 questions, seed 4:", [f"  {paper}", f"  {key}"], "")
    assert where.startswith("To print") and re.fullmatch(
        r"Left out: 7 need the lesson's panel, 4 need a run .*; --needs panel and --needs run would include them.",
        left_out,
    )
    assert "seed 4" in paper.read_text(encoding="utf-8") and "seed 4" in key.read_text(encoding="utf-8")


def test_the_command_ends_in_one_sentence(tmp_path, capsys):
    (tmp_path / "file").write_text("", encoding="utf-8")
    for where, lesson, words in (
        (tmp_path, "77", "give one of 00, 01"),
        (tmp_path / "file", "03", "name another folder with --to."),
    ):
        assert main(["gift", "--to", str(where), "--lesson", lesson]) == 1
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith("export: ") and words in printed.err and printed.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--lesson", ""], "nothing is given"),
        (["--seed", " "], "nothing is given"),
        (["--questions", "0"], "'0' is not possible: give a whole number from 1 to 999"),
        (["--questions", "ten"], "'ten' is not possible"),
        (["--questions", "5000"], "'5000' is not possible"),
        (["--questions", "500"], "give a number from 1 to"),
        (["--versions", "7"], "'7' is not possible: give a whole number from 1 to 6"),
        (["--space", "500"], "'500' is not possible: give a whole number from 0 to 200"),
        (["--space", "2.5"], "'2.5' is not possible"),
        (["--bank", "nowhere"], "There is no folder"),
        (["--lesson", "3.5"], "no questions for lesson '3.5'"),
    ],
)
def test_an_option_that_makes_no_paper_is_named(tmp_path, capsys, arguments, complaint):
    with contextlib.suppress(SystemExit):
        assert main(["paper", *arguments, "--to", str(tmp_path / "out")]) == 1
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("seed", ["0", "-5", str(10**40), "7b Frühling <x>", "ידע"])
def test_any_seed_draws_a_paper_into_any_folder(tmp_path, capsys, seed):
    folder = tmp_path / "mit Ümlaut & blank"
    title = '"A" <b>&</b> שלום ' + "Klassenarbeit" * 20
    assert main(["paper", "--questions", "3", f"--seed={seed}", f"--title={title}", "--to", str(folder)]) == 0
    for name in ("paper.html", "paper_key.html"):
        text = text_of((folder / name).read_text(encoding="utf-8"))
        assert title in text and f"3 questions, seed {seed}" in text


def test_an_interrupted_export_leaves_what_was_there(tmp_path, capsys, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    (tmp_path / "paper.html").write_text("old", encoding="utf-8")
    monkeypatch.setattr("helpers.publish.exports.paper.documents", interrupted)
    assert main(["paper", "--to", str(tmp_path)]) == 130
    assert "Stopped. No file in" in capsys.readouterr().err
    assert [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()] == ["old"]


def test_a_damaged_bank_is_named(tmp_path):
    (tmp_path / "07_x.json").write_text(json.dumps([{"id": "07-x"}]), encoding="utf-8")
    with pytest.raises(quiz.BankError, match="07_x.json"):
        choose(own=tmp_path)


def test_a_paper_of_questions_of_ones_own(tmp_path, capsys):
    assert check_bank.main([str(tmp_path), "--example"]) == 0
    assert main(["paper", "--bank", str(tmp_path), "--to", str(tmp_path / "out")]) == 0
    own = json.loads((tmp_path / "03_example.json").read_text(encoding="utf-8"))
    printed = capsys.readouterr().out
    assert f"{len(own)} questions, seed 0" in printed and "Left out" not in printed
    for bank in (tmp_path, tmp_path / "03_example.json"):
        assert {question.id for question in choose(own=bank)} == {entry["id"] for entry in own}
    shutil.copy(tmp_path / "03_example.json", tmp_path / "03_twin.json")
    with pytest.raises(quiz.BankError, match="03_example.json and 03_twin.json in .* both have the id"):
        choose(own=tmp_path)
    with pytest.raises(quiz.BankError, match="no bank in"):
        choose(own=tmp_path / "out")


def test_start_py_names_the_formats_that_there_are():
    assert list(commands.EXPORTS) == list(FORMATS)
