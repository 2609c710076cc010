"""The record under attack: damaged bytes while everything that reads it is shown, and kills while several write."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers import lesson, progress
from helpers.progress import FILE_NAME, HOME_VARIABLE, Progress, store
from helpers.quiz import load_bank

ANSWERS = 60


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A record of some weeks, as the bytes of its file."""
    folder = tmp_path_factory.mktemp("whole")
    record, draws = Progress(folder), random.Random(0)
    questions = [question for number in ("01", "02") for question in load_bank(number)]
    for number in range(ANSWERS):
        question = questions[number % len(questions)]
        seed = draws.getrandbits(40) if question.varies else None
        record.record_answer(question.lesson, question.id, question.right_answer(), True, seed=seed)
    for number in range(12):
        record.record_prediction("01", "01", 10.0**-number)
        record.record_exercise("01", "chain_gradient", number > 6)
    record.begin_sitting("exam 7b n=4 lessons=01", [(question.id, None) for question in questions[:4]])
    record.answer_sitting("exam 7b n=4 lessons=01", questions[0].id, "x")
    with contextlib.closing(sqlite3.connect(folder / FILE_NAME)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return (folder / FILE_NAME).read_bytes()


def flipped(content: bytes, draws: random.Random) -> bytes:
    """One byte is another one."""
    place = draws.randrange(len(content))
    return content[:place] + bytes([content[place] ^ draws.randrange(1, 256)]) + content[place + 1 :]


def cut(content: bytes, draws: random.Random) -> bytes:
    """The end is missing."""
    return content[: draws.randrange(1, len(content))]


def overwritten(content: bytes, draws: random.Random) -> bytes:
    """A stretch of it is noise."""
    place, length = draws.randrange(len(content)), draws.randrange(1, 6000)
    return (content[:place] + draws.randbytes(length) + content[place + length :])[: len(content)]


def mistyped(content: bytes, draws: random.Random, folder: Path) -> bytes:
    """Some values have another type."""
    path = folder / "mistyped.sqlite3"
    path.write_bytes(content)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for _ in range(draws.randrange(1, 5)):
            table = draws.choice(list(progress.schema.COLUMNS))
            column = draws.choice(progress.schema.COLUMNS[table])
            value = draws.choice(["x'ff00'", "CAST(x'22ff22' AS TEXT)", "'words'", "''", "1e300", "-7", "'[]'", "'{}'"])
            row = draws.randrange(1, 13)
            connection.execute(f"UPDATE {table} SET {column} = {value} WHERE rowid = {row}")
        connection.execute("PRAGMA journal_mode = DELETE")
    return path.read_bytes()


def everything_is_shown_and_an_answer_kept(folder: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing raises; what is answered now is there afterwards, in the file or said not to be."""
    folder.mkdir()
    (folder / FILE_NAME).write_bytes(content)
    monkeypatch.setenv(HOME_VARIABLE, str(folder))
    view = lesson.quiz("01")
    for show in (lesson.my_progress, lesson.my_scores, lesson.what_next, lesson.my_data, lesson.my_map):
        show()
    lesson.review(3)
    lesson.exam("7b", n=4, lessons=["01"])
    lesson.predict("01")
    question = view.questions[0]
    question.input.put(question.question.right_answer())
    question.button.click()
    record = progress.progress()
    assert record.answers("01")[question.question.id].given == question.question.right_answer()
    lost = len(record.history()) < ANSWERS + 1
    assert record.notice or not lost, "lost without a word"
    record.export()
    if not record.waiting:
        assert Progress(folder).answers("01")[question.question.id].correct
    else:
        assert "only until this kernel ends" in record.notice
    for aside in folder.glob("progress-damaged-*.sqlite3"):
        with contextlib.suppress(ValueError):  # a sentence is as good as rows
            record.read_back(aside.name, aside.read_bytes())


def attacked(count: int, whole: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    draws = random.Random(seed)
    for number in range(count):
        kind = ["flipped", "flipped", "flipped", "cut", "overwritten", "mistyped"][number % 6]
        content = {
            "flipped": lambda: flipped(whole, draws),
            "cut": lambda: cut(whole, draws),
            "overwritten": lambda: overwritten(whole, draws),
            "mistyped": lambda: mistyped(whole, draws, tmp_path),
        }[kind]()
        try:
            everything_is_shown_and_an_answer_kept(tmp_path / str(number), content, monkeypatch)
        except Exception as error:
            raise AssertionError(f"attack {number} of seed {seed}, {kind}: {error!r}") from error


def test_a_damaged_record_breaks_nothing_that_shows_it(
    whole: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "FIRST_RETRY", 600)
    attacked(6, whole, tmp_path, monkeypatch, seed=2)


@pytest.mark.exhaustive
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", range(6))
def test_two_hundred_damaged_records_break_nothing(
    whole: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(store, "FIRST_RETRY", 600)
    attacked(200, whole, tmp_path, monkeypatch, seed=100 + seed)


# Kills ---------------------------------------------------------------------------------------------------------------

WRITER = """
import sys
from helpers.progress import Progress
record, number = Progress(), 0
while True:
    record.record_exercise("01", f"{sys.argv[1]}-{number}", True)
    if record.waiting == 0:
        print(f"{sys.argv[1]}-{number}", flush=True)
    number += 1
"""


def killed_while_writing(writers: int, name: str, draws: random.Random) -> Iterator[str]:
    """What the writers were told is written, before they were killed at a random moment."""
    pipes = [
        subprocess.Popen([sys.executable, "-c", WRITER, f"{name}-{each}"], stdout=subprocess.PIPE, text=True)
        for each in range(writers)
    ]
    acknowledged = [pipes[0].stdout.readline()]  # type: ignore[union-attr]
    time.sleep(draws.random() * 0.3)
    for pipe in draws.sample(pipes, len(pipes)):
        pipe.kill()
    for pipe in pipes:
        acknowledged += pipe.stdout.read().split("\n")[:-1]  # type: ignore[union-attr]
        pipe.wait()
        pipe.stdout.close()  # type: ignore[union-attr]
    return (line.strip() for line in acknowledged)


def kill(kills: int, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(home))
    draws, acknowledged, done = random.Random(kills), set(), 0
    while done < kills:
        writers = min(draws.randrange(1, 6), kills - done)
        acknowledged |= set(killed_while_writing(writers, str(done), draws))
        done += writers
        if done % 25 < writers or done == kills:
            record = Progress()
            assert acknowledged <= record.summary()["01"].solved and not record.notice
    assert not list(home.glob("progress-damaged*"))
    names = [row["exercise"] for row in Progress().rows("exercise")]
    assert len(names) == len(set(names)), "nothing is there twice"
    print(f"{done} kills, {len(acknowledged)} acknowledged, none lost")


@pytest.mark.slow
def test_a_few_kills_lose_nothing_that_was_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kill(10, tmp_path / "home", monkeypatch)


@pytest.mark.exhaustive
@pytest.mark.timeout(14_400)
def test_a_thousand_kills_lose_nothing_that_was_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kill(1000, tmp_path / "home", monkeypatch)
