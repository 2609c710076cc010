"""The learner's record: what is written is read back, whatever happens to the file."""

import sqlite3
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import progress
from helpers.progress import Progress


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(progress.HOME_VARIABLE, str(tmp_path / "home"))
    return tmp_path / "home"


def fill(record):
    record.record_answer("01", "01-a", "0.25", True)
    record.record_prediction("01", "01", 1e-3)
    record.record_exercise("01", "chain_gradient", True)


def test_everything_is_read_back_by_another_kernel(folder):
    fill(Progress())
    again = Progress()
    assert again.path == folder / "progress.sqlite3" and not again.notice
    answer = again.answers("01")["01-a"]
    assert (answer.given, answer.correct) == ("0.25", True) and abs(answer.at - time.time()) < 600
    assert again.prediction("01") == 1e-3 and again.prediction("02") is None
    done = again.summary()["01"]
    assert (done.answered, done.right, done.predicted, done.solved) == ({"01-a"}, {"01-a"}, {"01"}, {"chain_gradient"})


def test_the_last_answer_counts_but_a_solved_exercise_stays_solved():
    record = Progress()
    for correct in (True, False):
        record.record_answer("01", "01-a", str(correct), correct)
        record.record_exercise("01", "x", correct)
    record.record_prediction("02", "02", ["a", "b"])
    record.record_prediction("02", "02", ["b", "a"])
    assert record.answers("01")["01-a"].given == "False" and record.answers("02") == {}
    done = record.summary()
    assert done["01"].answered == {"01-a"} and done["01"].right == set() and done["01"].solved == {"x"}
    assert record.prediction("02") == ["b", "a"]


def test_file_has_write_ahead_log_and_version(folder):
    fill(Progress())
    connection = sqlite3.connect(folder / progress.FILE_NAME)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA user_version").fetchone() == (progress.VERSION,)
    connection.close()


@settings(max_examples=60, deadline=None)
@given(thing=st.recursive(st.none() | st.booleans() | st.text() | st.integers() | st.floats(allow_nan=False),
                          lambda inner: st.lists(inner, max_size=3), max_leaves=5))  # fmt: skip
def test_any_answer_survives(tmp_path_factory, thing):
    record = Progress(tmp_path_factory.mktemp("any"))
    record.record_answer("01", "01-a", thing, False)
    assert record.answers("01")["01-a"].given == thing


WRITER = """
import sys
from helpers.progress import Progress
record = Progress()
print("ready", flush=True)
sys.stdin.readline()
for number in range(60):
    record.record_answer("01", f"01-{sys.argv[1]}-{number}", number, True)
assert not record.notice, record.notice
"""


def test_two_kernels_write_at_once(folder):
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in "ab"
    ]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    assert [writer.wait(120) for writer in writers] == [0, 0]
    for writer in writers:
        writer.stdin.close()
        writer.stdout.close()
    assert len(Progress().answers("01")) == 120


def test_two_kernels_begin_at_once(tmp_path):
    """Making the file is safe too: nobody ends up in memory, nothing is set aside."""
    for attempt in range(5):
        folder, records = tmp_path / str(attempt), []
        barrier = threading.Barrier(4)

        def begin(number, folder=folder, records=records, barrier=barrier):
            barrier.wait()
            record = Progress(folder)
            record.record_exercise("01", str(number), True)
            records.append(record)

        threads = [threading.Thread(target=begin, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [record.notice for record in records] == [""] * 4
        assert Progress(folder).summary()["01"].solved == {"0", "1", "2", "3"}


KILLED = """
from helpers.progress import Progress
record = Progress()
number = 0
while True:
    record.record_exercise("01", str(number), True)
    print(number, flush=True)
    number += 1
"""


def test_a_kill_loses_nothing_that_was_told_written(folder):
    writer = subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True)
    told = [int(writer.stdout.readline()) for _ in range(20)]
    writer.kill()
    told += [int(line) for line in writer.stdout.read().splitlines() if line]
    writer.wait()
    writer.stdout.close()
    record = Progress()
    assert not record.notice
    assert {str(number) for number in told} <= record.summary()["01"].solved


def aside(folder):
    return sorted(path for path in folder.glob("progress-damaged-*.sqlite3"))


@pytest.mark.parametrize("damage", ["text", "cut", "overwritten page", "no tables"])
def test_a_damaged_file_is_set_aside_and_said_so(folder, damage):
    record = Progress()
    for number in range(400):
        record.record_answer("01", f"01-{number}", "x" * 50, True)
    path = folder / progress.FILE_NAME
    connection = sqlite3.connect(path)
    if damage == "no tables":
        connection.executescript("DROP TABLE answer; DROP TABLE exercise;")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = path.read_bytes()
    if damage == "text":
        path.write_bytes(b"this is no database " * 500)
    elif damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "overwritten page":
        path.write_bytes(content[:4096] + b"\x07" * (len(content) - 4096))
    again = Progress()
    again.summary()
    fill(again)
    assert "damaged" in again.notice and str(aside(folder)[0]) in again.notice
    assert len(aside(folder)) == 1 and aside(folder)[0].stat().st_size > 0
    assert Progress().answers("01").keys() == {"01-a"} and not Progress().notice


def test_damage_under_a_running_notebook_is_noticed_too(folder):
    record = Progress()
    fill(record)
    for end in ("-wal", "-shm"):
        (folder / f"{progress.FILE_NAME}{end}").unlink(missing_ok=True)
    (folder / progress.FILE_NAME).write_bytes(b"broken " * 2000)
    record.record_answer("01", "01-b", "1", True)
    assert "damaged" in record.notice and record.answers("01").keys() == {"01-b"}


def test_a_place_that_cannot_be_written_keeps_the_record_in_memory(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    record = Progress(tmp_path / "file" / "below")
    fill(record)
    assert record.path is None and "only until this kernel ends" in record.notice
    assert record.prediction("01") == 1e-3 and record.summary()["01"].solved == {"chain_gradient"}


def test_a_folder_in_the_files_place_is_no_accident(folder):
    (folder / progress.FILE_NAME).mkdir(parents=True)
    record = Progress()
    fill(record)
    assert record.path is None and str(folder) in record.notice
    assert (folder / progress.FILE_NAME).is_dir()


def test_a_file_locked_for_long_leaves_what_was_read_in_view(folder, monkeypatch):
    monkeypatch.setattr(progress, "BUSY_SECONDS", 0.05)
    record = Progress()
    fill(record)
    blocker = sqlite3.connect(folder / progress.FILE_NAME, isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")
    record.record_answer("01", "01-b", "1", True)
    blocker.execute("ROLLBACK")
    blocker.close()
    assert "locked" in record.notice and record.path is None
    assert record.answers("01").keys() == {"01-a", "01-b"}
    assert Progress().answers("01").keys() == {"01-a"}


def test_a_file_of_a_later_version_is_left_alone(folder):
    fill(Progress())
    connection = sqlite3.connect(folder / progress.FILE_NAME)
    connection.execute(f"PRAGMA user_version = {progress.VERSION + 1}")
    connection.close()
    record = Progress()
    fill(record)
    assert "newer version" in record.notice and not aside(folder)
    assert len(record.summary()) == 1


def test_an_error_of_our_own_is_not_taken_for_damage(folder):
    record = Progress()
    with pytest.raises(sqlite3.IntegrityError):
        record._run(lambda c: c.execute("INSERT INTO answer VALUES (1, NULL, 'q', '1', 1)"))
    assert record.path is not None and not record.notice and not aside(folder)


def test_notebooks_of_a_kernel_share_a_record(folder, monkeypatch, tmp_path):
    assert progress.progress() is progress.progress()
    fill(progress.progress())
    assert progress.summary()["01"].right == {"01-a"}
    monkeypatch.setenv(progress.HOME_VARIABLE, str(tmp_path / "another"))
    assert progress.summary() == {}


def test_without_the_variable_the_users_data_folder_is_taken(monkeypatch):
    monkeypatch.delenv(progress.HOME_VARIABLE)
    assert progress.home().name == "gradient-course" and progress.home().is_absolute()
