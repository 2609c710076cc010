"""`start.py class`: what stands in the records of a class, counted and shown; the records are only read."""

from __future__ import annotations

import csv
import html
import json
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.classroom import Learner, read_class, results, to_take_up
from helpers.classroom.counting import QuestionResult
from helpers.progress import FILE_NAME, Progress
from helpers.publish.classroom.__main__ import main
from helpers.quiz import grade, instantiate, load_bank, load_predictions
from tests.classes import LESSONS, make_class, one_choice, wrong_answers

SIZE = 30
HELD = {
    one_choice(lesson)[place].id: (which, share)
    for lesson, place, which, share in (
        ("01", 2, 1, 0.7),
        ("03", 4, 0, 0.5),
        ("04", 5, 2, 0.3),
    )
}


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The homes of a class of thirty, as a hub has them."""
    folder = tmp_path_factory.mktemp("homes")
    make_class(folder, SIZE, HELD)
    return folder


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def run(folders: list[Path], to: Path, *more: str) -> str:
    assert main([*map(str, folders), "--to", str(to), *more]) == 0
    return html.unescape((to / "class.html").read_text(encoding="utf-8"))


def test_the_misconceptions_of_a_class_are_found(homes: Path, tmp_path: Path) -> None:
    group = read_class([homes])
    assert [each.name for each in group.learners] == [f"learner{n:02d}" for n in range(SIZE)]
    assert not group.left_out
    found = results(group.learners)
    proposed = to_take_up(found)
    assert [each.question.id for each in proposed] == list(HELD)
    page = run([homes], tmp_path / "class")
    for each in proposed:
        which, share = HELD[each.question.id]
        assert (each.asked, each.still_wrong) == (SIZE, round(share * SIZE))
        answer = next(a for a in each.question.answers if a.text == wrong_answers(each.question)[which])
        assert each.mistakes[0].answer == answer.text
        assert each.mistakes[0].learners >= round(share * SIZE)
        assert f"{each.still_wrong} of {SIZE} ({share:.0%}) still wrong" in page
        assert f"Right: <b>{each.question.right_answer()}" in page.replace("<code>", "").replace("</code>", "")
        assert answer.feedback.replace("`", "") in page.replace("<code>", "").replace("</code>", "")


def test_few_learners_are_counted_and_not_percented_and_a_tie_names_both(tmp_path: Path) -> None:
    question = one_choice("01")[0]
    first, second = wrong_answers(question)[:2]
    for name, given in (("anna", first), ("ben", second), ("cleo", first), ("dan", second)):
        Progress(tmp_path / name).record_answer("01", question.id, given, False)
    page = run([tmp_path], tmp_path / "class")
    assert "4 of 4 still wrong" in page and "(100%)" not in page and question.id not in page
    assert "equally often, at the first try (2 of 4)" in page
    (result,) = results(read_class([tmp_path]).learners).questions
    assert {each.answer for each in result.commonest} == {first, second}
    with (tmp_path / "class" / "class_questions.csv").open(encoding="utf-8-sig") as file:
        (row,) = csv.DictReader(file)
    assert row["commonest wrong answer"] == "; ".join(each.answer for each in result.commonest)


def test_homes_may_be_named_one_by_one(homes: Path) -> None:
    some = [homes / f"learner0{number}" for number in range(3)]
    assert any(part.startswith(".") for part in next(some[0].rglob(FILE_NAME)).relative_to(some[0]).parts)
    assert [each.name for each in read_class(some).learners] == [each.name for each in some]


def test_questions_stand_whole_on_the_page_and_bars_show_what_is_right(homes: Path, tmp_path: Path) -> None:
    page = run([homes], tmp_path / "class")
    long = max((each.question for each in results(read_class([homes]).learners).questions), key=lambda q: len(q.text))
    assert len(long.text) > 160
    ends = long.text.replace("`", "")[-60:]
    assert page.replace("<code>", "").replace("</code>", "").replace("<br>", "\n").count(ends) >= 1
    assert "class='bar wrong'" in page and not any(name in page for name in HELD)


def test_slips_that_were_mended_are_not_proposed(homes: Path) -> None:
    found = results(read_class([homes]).learners)
    slips = [each for each in found.questions if each.question.id not in HELD]
    assert sum(each.right_first for each in slips) < sum(each.asked for each in slips)
    assert all(each.still_wrong == 0 for each in slips)


def test_the_first_screen_says_what_to_take_up_why_and_who_is_how_far(homes: Path, tmp_path: Path) -> None:
    page = run([homes], tmp_path / "class").replace("<code>", "").replace("</code>", "")
    first, _, below = page.partition("<h2>Questions to take up again</h2>")
    assert "Least far" not in first, "all are equally far"
    places = [first.index(f"href='#again-{number}'") for number in (1, 2, 3)]
    assert places == sorted(places)
    for name, (which, share) in HELD.items():
        question = next(each for each in one_choice(name[:2]) if each.id == name)
        assert f"{round(share * SIZE)} of {SIZE} ({share:.0%}) wrong" in first
        assert question.text[-150:].partition(" ")[2] in first, (
            "the question, or as much of its end as there is room for"
        )
        assert f"Right: <b>{question.right_answer()}" in first
        assert f"They say: <b>{wrong_answers(question)[which]}" in first
    assert below.count("<li id='again-") == len(HELD)
    for name, last in (("zoe", 9), ("ben", 2), ("anna", 1)):
        record = Progress(tmp_path / "few" / name)
        for question in one_choice("01")[:last]:
            record.record_answer("01", question.id, 0, True)
    page = run([tmp_path / "few"], tmp_path / "class")
    assert "Least far: anna (" in page and "Farthest: zoe (" in page and "ben (" not in page, "ben is in the middle"
    Progress(tmp_path / "few" / "zoe").record_answer("00", load_bank("00")[0].id, "0", False)
    page = run([tmp_path / "few"], tmp_path / "class")
    assert "Of lesson 01:" in page, "one learner of three has begun lesson 00"


def test_names_stand_in_the_order_of_a_list(tmp_path: Path) -> None:
    for name in ("10", "9", "100", "1", "7a-12", "7a-2", "Zoe", "ärmel", "Bo", "Élan"):
        Progress(tmp_path / name).record_answer("01", one_choice("01")[0].id, 0, True)
    assert [each.name for each in read_class([tmp_path]).learners] == [
        *("1", "7a-2", "7a-12", "9", "10", "100", "ärmel", "Bo", "Élan", "Zoe")
    ]


def test_records_are_only_read(homes: Path, tmp_path: Path) -> None:
    before = snapshot(homes)
    run([homes], tmp_path / "class")
    assert snapshot(homes) == before


def test_answers_that_are_still_in_the_log_of_a_file_count(tmp_path: Path) -> None:
    record = Progress(tmp_path / "anna")
    with closing(sqlite3.connect(record.path)) as open_elsewhere:
        open_elsewhere.execute("SELECT count(*) FROM answer").fetchone()
        record.record_answer("01", one_choice("01")[0].id, 0, True)
        (anna,) = read_class([tmp_path]).learners
    assert len(anna.rows["answer"]) == 1


def test_exports_and_records_of_one_learner_are_one(tmp_path: Path) -> None:
    record = Progress(tmp_path / "home")
    record.record_answer("01", one_choice("01")[0].id, 0, True)
    (tmp_path / "in").mkdir()
    early = record.export()
    record.record_answer("01", one_choice("01")[1].id, 0, False)
    (tmp_path / "in" / "Anna.json").write_text(early, encoding="utf-8")
    (tmp_path / "in" / "Anna (1).json").write_text(record.export(), encoding="utf-8")
    (tmp_path / "in" / "gradient-course-20261127-101112.json").write_text(early, encoding="utf-8")  # handed in twice
    group = read_class([tmp_path / "in"])
    (anna,), (twice,) = group.learners, group.left_out
    assert anna.name == "Anna" and len(anna.rows["answer"]) == 2
    assert twice.path.stem.startswith("gradient-course-") and "in the record of Anna, too" in twice.reason


def hand_in(place: Path, *questions: int) -> None:
    """An export with right answers to some questions of lesson 01."""
    with tempfile.TemporaryDirectory() as home:
        record = Progress(Path(home))
        for number in questions:
            record.record_answer("01", one_choice("01")[number].id, 0, True)
        place.write_text(record.export(), encoding="utf-8")


def names_of(*folders: Path) -> list[str]:
    return [each.name for each in read_class(folders).learners]


def test_two_of_one_name_in_two_folders_are_one_learner_only_if_they_share_an_entry(tmp_path: Path) -> None:
    record = Progress(tmp_path / "home")
    for week in ("week1", "week2"):
        (tmp_path / week).mkdir()
        record.record_answer("01", one_choice("01")[0].id, 0, True)
        (tmp_path / week / "anna.json").write_text(record.export(), encoding="utf-8")
    assert names_of(tmp_path / "week1", tmp_path / "week2") == ["anna"]
    for group in ("a/7", "b/7", "8"):
        (tmp_path / group).mkdir(parents=True)
        hand_in(tmp_path / group / "anna.json", 0)
    assert names_of(*(tmp_path / group for group in ("a/7", "b/7", "8"))) == ["7/anna 1", "7/anna 2", "8/anna"]


def record_in(place: Path, *questions: int) -> None:
    record = Progress(place)
    for number in questions:
        record.record_answer("01", one_choice("01")[number].id, 0, True)


def test_learners_in_the_folder_of_a_group_stay_apart(tmp_path: Path) -> None:
    record_in(tmp_path / "7b" / "anna", 0)
    record_in(tmp_path / "7b" / "ben" / ".local" / "share", 0)
    hand_in(tmp_path / "7b" / "cleo.json", 0)
    record_in(tmp_path / "dan" / ".local" / "share", 1)
    record_in(tmp_path / "dan" / "course", 2)  # a home with a record somewhere else, too
    (tmp_path / "eve" / "week1").mkdir(parents=True)
    (tmp_path / "eve" / "week2").mkdir()
    record = Progress(tmp_path / "somewhere" / "eve")
    for week in ("week1", "week2"):
        record.record_answer("01", one_choice("01")[0].id, 0, True)
        (tmp_path / "eve" / week / "gradient-course-20261127-101112.json").write_text(record.export())
    record.path.unlink()
    assert names_of(tmp_path) == ["7b/anna", "7b/ben", "7b/cleo", "dan", "eve"]
    lone = tmp_path / "lone"
    record_in(lone / "8" / "anna", 0)
    record_in(lone / "9" / "ben", 0)
    (lone / "cleo" / "downloads").mkdir(parents=True)
    hand_in(lone / "cleo" / "downloads" / "gradient-course-20261127-101112.json", 0)
    assert names_of(lone) == ["8/anna", "9/ben", "cleo"]


def test_the_folder_of_a_group_and_that_of_an_assignment_are_told_from_a_learners(tmp_path: Path) -> None:
    moodle = "Ben Bo_4711_assignsubmission_file_"
    for place in ("7a/anna", "7a/ben", "7b/anna", "cleo/export", f"{moodle}/export", f"Dan Do{moodle[6:]}x"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        hand_in(tmp_path / f"{place}.json", 1)
    hand_in(tmp_path / "7b" / "eve.json", 2)
    assert names_of(tmp_path) == ["7a/anna", "7a/ben", "7b/anna", "7b/eve", "Ben Bo", "cleo", "Dan Do"]


def test_a_spreadsheet_reads_the_tables_as_utf_8(homes: Path, tmp_path: Path) -> None:
    run([homes], tmp_path / "class")
    for name in ("learners", "questions"):
        assert (tmp_path / "class" / f"class_{name}.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_a_record_beside_its_export_counts_once(tmp_path: Path) -> None:
    """An export keeps the time to the millisecond, cut off: rounding took a row for two in half of all cases."""
    record = Progress(tmp_path / "anna")
    for question in one_choice("01"):
        record.record_answer("01", question.id, 0, True)
    (tmp_path / "anna" / "export.json").write_text(record.export(), encoding="utf-8")
    (anna,) = read_class([tmp_path]).learners
    assert len(anna.rows["answer"]) == len(one_choice("01"))


def test_damaged_foreign_and_newer_files_are_named_and_left_out(tmp_path: Path) -> None:
    whole = Progress(tmp_path / "in" / "whole")
    whole.record_answer("01", one_choice("01")[0].id, 0, True)
    files = {
        "damaged.sqlite3": b"SQLite format 3\0" + b"\xff" * 4000,
        "foreign.json": b'{"cells": []}',
        "no_json.json": b"{",
        "newer.json": whole.export().replace('"format": 2', '"format": 99').encode(),
    }
    for name, content in files.items():
        (tmp_path / "in" / name).write_bytes(content)
    group = read_class([tmp_path / "in"])
    assert [each.name for each in group.learners] == ["whole"]
    assert sorted(each.path.name for each in group.left_out) == sorted(files)
    page = run([tmp_path / "in"], tmp_path / "class")
    assert all(name in page for name in files)
    assert "no_json.json is cut off or damaged, and can't be read." in page and "Expecting" not in page


def test_a_record_of_the_first_version_is_read(tmp_path: Path) -> None:
    place = tmp_path / "in" / "old"
    place.mkdir(parents=True)
    with closing(sqlite3.connect(place / FILE_NAME)) as connection, connection:
        connection.execute(
            "CREATE TABLE answer (at REAL NOT NULL, lesson TEXT NOT NULL, question TEXT NOT NULL, "
            "given TEXT NOT NULL, correct INTEGER NOT NULL)"
        )
        connection.execute(
            "CREATE TABLE prediction (at REAL NOT NULL, lesson TEXT NOT NULL, prediction TEXT NOT NULL, "
            "given TEXT NOT NULL)"
        )
        connection.execute(
            "CREATE TABLE exercise (at REAL NOT NULL, lesson TEXT NOT NULL, exercise TEXT NOT NULL, "
            "correct INTEGER NOT NULL)"
        )
        connection.execute("INSERT INTO answer VALUES (1.0, '01', ?, '0', 1)", (one_choice("01")[0].id,))
        connection.execute("PRAGMA user_version = 1")
    (old,) = read_class([tmp_path / "in"]).learners
    assert results([old]).questions[0].asked == 1


def test_entries_that_the_course_no_longer_has_are_counted(tmp_path: Path) -> None:
    record = Progress(tmp_path / "anna")
    record.record_answer("01", "01-was-taken-out", "yes", False)
    record.record_answer("01", one_choice("01")[0].id, "an option that was reworded", False)
    found = results(read_class([tmp_path]).learners)
    assert found.unknown == 1
    (mistake,) = found.questions[0].mistakes
    assert (mistake.answer, mistake.feedback) == ("an option that was reworded", "")


@pytest.mark.parametrize("kind", ["multiple_choice", "many_choice", "numeric", "ordering", "profile"])
def test_each_type_names_the_mistake_by_its_feedback(kind: str, tmp_path: Path) -> None:
    question = next(each for lesson in ("03", "04", "05", "06") for each in load_bank(lesson) if each.type == kind)
    asked = instantiate(question, 5)
    wrong = {
        "many_choice": [[answer.text for answer in asked.answers]],
        "ordering": [[answer.text for answer in reversed(asked.answers)]],
        "numeric": [12345.678],
    }.get(kind, [answer.text for answer in asked.answers if not answer.correct])[0]
    verdict = grade(asked, wrong)
    assert verdict.understood
    assert not verdict.correct
    record = Progress(tmp_path / "anna")
    record.record_answer(question.lesson, question.id, wrong, False, seed=5)
    (result,) = results(read_class([tmp_path]).learners).questions
    assert result.mistakes
    assert all(mistake.feedback in verdict.feedback for mistake in result.mistakes)


def test_predictions_become_histograms(homes: Path, tmp_path: Path) -> None:
    record = Progress(tmp_path / "anna")
    scale = next(each for each in load_predictions().values() if each.type == "scale")
    choice = next(each for each in load_predictions().values() if each.type == "choice")
    record.record_prediction(scale.lesson, scale.id, 3e-5)
    record.record_prediction(scale.lesson, scale.id, 1.0)  # a second thought doesn't count
    record.record_prediction(choice.lesson, choice.id, choice.options[1])
    found = {each.prediction.id: each for each in results(read_class([tmp_path]).learners).predictions}
    assert found[scale.id].bars == (("1e-5 to 1e-4", 1),)
    assert dict(found[choice.id].bars) == {option: int(option == choice.options[1]) for option in choice.options}
    thirty = results(read_class([homes]).learners).predictions
    assert [each.learners for each in thirty] == [SIZE] * len(thirty)


def test_who_is_how_far(homes: Path, tmp_path: Path) -> None:
    run([homes], tmp_path / "class")
    with (tmp_path / "class" / "class_learners.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == SIZE * len(LESSONS)
    first = next(row for row in rows if row["learner"] == "learner00" and row["lesson"] == "01")
    assert int(first["answered"]) == len(one_choice("01"))
    assert int(first["right"]) == len(one_choice("01")) - 1  # of lesson 01 it holds one misconception
    assert int(first["questions"]) == len(load_bank("01"))


def test_numbers_take_the_place_of_names(homes: Path, tmp_path: Path) -> None:
    page = run([homes], tmp_path / "class", "--numbers")
    tables = [(tmp_path / "class" / f"class_{name}.csv").read_text() for name in ("learners", "questions")]
    assert "learner07" not in page + "".join(tables)
    assert ">07<" in page


def test_a_class_is_told_apart_from_a_few(homes: Path) -> None:
    question = one_choice("01")[0]
    few, many = QuestionResult(question, 2, 0, 0), QuestionResult(question, 25, 5, 5)
    assert few.least_share_wrong < many.least_share_wrong
    assert QuestionResult(question, 10, 10, 10).least_share_wrong == 0.0


def test_texts_of_learners_do_no_harm(tmp_path: Path) -> None:
    record = Progress(tmp_path / "in" / "=1+1")
    record.record_answer("01", one_choice("01")[0].id, "<script>alert(1)</script>", False)
    record.record_answer("01", one_choice("01")[0].id, "<script>alert(1)</script>", False)
    main([str(tmp_path / "in"), "--to", str(tmp_path / "class")])
    assert "<script" not in (tmp_path / "class" / "class.html").read_text(encoding="utf-8")
    assert "\n'=1+1," in (tmp_path / "class" / "class_learners.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nowhere"], "There is no folder"),
        (["."], "No record of a learner was found"),
        ([".", "--lesson", "77"], "There is no lesson 77"),
        ([".", "--lesson", "1"], "No record of a learner was found"),
    ],
)
def test_what_cannot_be_done_is_said(
    arguments: list[str],
    complaint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*arguments, "--to", str(tmp_path / "class")]) == 1
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "class").exists()


def test_learners_need_no_folder_of_their_own() -> None:
    """Counting takes learners from anywhere, such as a poll."""
    rows: dict[str, list[dict[str, object]]] = {"answer": [], "prediction": [], "exercise": [], "sitting": []}
    learner = Learner("anna", rows)
    assert results([learner, replace(learner, name="ben")]).lessons == {"anna": {}, "ben": {}}
    assert json.dumps(results([learner]).unknown) == "0"
