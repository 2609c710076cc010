"""`start.py check`: banks of one's own, and the example to copy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from helpers.publish.check_bank import EXAMPLE, main
from helpers.quiz import BANKS, TYPES, check_bank
from tests.quiz_examples import CHOICE

_ANSWERS = [{name: value for name, value in answer.items() if name != "try"} for answer in CHOICE["answers"]]  # type: ignore[attr-defined]
ENTRY = {**CHOICE, "id": "03-mine", "answers": _ANSWERS}


def bank(folder: Path, *entries: dict[str, Any], name: str = "03_mine.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(entries), encoding="utf-8")
    return path


def mine(number: int = 0, **changed: Any) -> dict[str, Any]:
    return {**json.loads(json.dumps(ENTRY)), "id": f"03-mine-{number}", **changed}


def test_the_example_has_every_type_and_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    questions, faults = check_bank(EXAMPLE)
    assert not faults
    assert {question.type for question in questions} == set(TYPES)
    assert any(question.varies for question in questions)
    folder = tmp_path / "my questions"
    assert main([str(folder), "--example"]) == 0
    assert main([str(folder)]) == 0
    assert f"✓ 03_example.json: {len(questions)} questions" in capsys.readouterr().out
    (folder / EXAMPLE.name).write_text("mine now", encoding="utf-8")
    assert main([str(folder), "--example"]) == 1
    assert (folder / EXAMPLE.name).read_text() == "mine now"


@pytest.mark.slow
def test_the_courses_own_banks_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(BANKS)]) == 0, capsys.readouterr().out


def test_every_fault_is_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    two_right = mine(1)
    two_right["answers"][0]["correct"] = True
    unknown_control = mine(2)
    unknown_control["answers"][0]["try"] = {"colour": 1}
    beside = mine(3)
    beside["answers"][0]["try"] = {"gain": 1.23456}
    without_feedback = mine(6)
    del without_feedback["answers"][0]["feedback"]
    twin_with_fault = mine(0, question=8)
    bank(
        *(tmp_path, mine(0), two_right, mine(0), mine(4, question=7), mine(5, lesson="03"), without_feedback),
        twin_with_fault,
    )
    assert main([str(tmp_path)]) == 1
    output = capsys.readouterr().out
    for part in (
        "question 2 (03-mine-1), field answers: 2 of them are correct",
        "question 3 (03-mine-0), field id: '03-mine-0' occurs twice; question 1 has it, too",
        "question 4 (03-mine-4), field question",
        "question 5 (03-mine-5), field lesson: is an unknown field",
        "question 6 (03-mine-6), field answers[0]: lacks the field feedback",
        "question 7 (03-mine-0), field id: '03-mine-0' occurs twice",
        "question 7 (03-mine-0), field question",
        "03_mine.json: 7 faults",
    ):
        assert part in output
    bank(tmp_path, unknown_control, beside)
    assert main([str(tmp_path)]) == 1
    output = capsys.readouterr().out
    assert "question 1 (03-mine-2), field answers[0].try: colour is 1: no control named 'colour'" in output
    assert "question 2 (03-mine-3), field answers[0].try: gain is 1.23456" in output


def test_a_state_to_which_no_slider_can_be_set_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    states: list[tuple[str, Any]] = [("gain", 0.123), ("gain", "large"), ("scheme", "best"), ("depth", -3)]
    states += [("depth", 1.5), ("seeds", 99)]
    entries = [mine(number) for number in range(len(states))]
    for entry, (name, value) in zip(entries, states, strict=True):
        entry["answers"][0]["try"] = {name: value}
    bank(tmp_path, *entries)
    assert main([str(tmp_path)]) == 1
    output = capsys.readouterr().out
    for number, (name, value) in enumerate(states, start=1):
        assert f"question {number} (03-mine-{number - 1}), field answers[0].try: {name} is {value!r}" in output


def test_an_id_that_two_banks_have_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bank(tmp_path, mine(0), name="03_first.json")
    bank(tmp_path, mine(0), mine(1), name="03_second.json")
    assert main([str(tmp_path)]) == 1
    output = capsys.readouterr().out
    assert (
        "03_second.json, line 1, column 9, question 1 (03-mine-0), field id: 03_first.json has a question with this id"
        in output
    )
    assert "03_second.json: 1 fault." in output


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("03_mine.json", '[{"id": "03-a",}]', "line 1, column"),
        ("03_mine.json", "[]", "03_mine.json"),
        ("03_mine.json", "{}", "03_mine.json"),
        ("mine.json", "[]", "the name must begin with a lesson's number"),
        ("77_mine.json", None, "lesson 77 has no panel"),
    ],
)
def test_a_file_that_is_no_bank_is_named(
    name: str, text: str | None, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is None:
        entry = mine(0, id="77-mine")
        entry["answers"][0]["try"] = {"depth": 3}
        text = json.dumps([entry])
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert main([str(tmp_path)]) == 1
    assert complaint in capsys.readouterr().out


def test_a_folder_without_banks_and_one_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 1
    assert "--example" in capsys.readouterr().err
    assert main([str(tmp_path / "nowhere")]) == 1
    assert "There is no folder" in capsys.readouterr().err
