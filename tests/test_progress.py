"""The learner's record: what is written is read back, whatever happens to the file."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from platformdirs import macos, unix

from helpers import progress
from helpers.progress import Given, Progress, store


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
@given(
    thing=st.recursive(
        st.none() | st.booleans() | st.text() | st.integers() | st.floats(allow_nan=False),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=5,
    )
)
def test_any_answer_survives(tmp_path_factory, thing):
    record = Progress(tmp_path_factory.mktemp("any"))
    record.record_answer("01", "01-a", thing, False)
    assert record.answers("01")["01-a"].given == thing


WRITER = """
import sys
from helpers.progress import Given, Progress, store
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
        folder = tmp_path / str(attempt)
        records: list[Progress] = []
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
from helpers.progress import Given, Progress, store
record = Progress()
number = 0
while True:
    record.record_exercise("01", str(number), True)
    print(number, flush=True)
    number += 1
"""


def test_a_kill_loses_nothing_that_was_told_written(folder):
    writer = subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True)
    acknowledged = [int(writer.stdout.readline()) for _ in range(20)]
    writer.kill()
    acknowledged += [int(line) for line in writer.stdout.read().splitlines() if line]
    writer.wait()
    writer.stdout.close()
    record = Progress()
    assert not record.notice
    assert {str(number) for number in acknowledged} <= record.summary()["01"].solved


def aside(folder):
    return sorted(path for path in folder.glob("progress-damaged-*.sqlite3"))


@pytest.mark.parametrize("damage", ["text", "cut", "overwritten page", "no tables", "closed by its header"])
def test_a_damaged_file_is_set_aside_and_said_so(folder, damage):
    record = Progress()
    row = "INSERT INTO answer (at, lesson, question, given, correct) VALUES (1e9, '01', ?, ?, 1)"
    record.write(lambda c: c.executemany(row, [(f"01-{number}", json.dumps("x" * 50)) for number in range(400)]))
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
    elif damage == "closed by its header":
        path.write_bytes(content[:18] + b"\xff" + content[19:])
    again = Progress()
    again.summary()
    fill(again)
    assert "damaged" in again.notice and str(aside(folder)[0]) in again.notice
    assert len(aside(folder)) == 1 and aside(folder)[0].stat().st_size > 0
    assert Progress().answers("01").keys() == {"01-a"} and not Progress().notice


@pytest.mark.parametrize(("minutes", "words"), [(0, ""), (5, "is empty. A new one is started.")])
@pytest.mark.parametrize("content", [b"", b"S"])
def test_an_emptied_file_is_named_unless_another_notebook_may_just_begin_it(folder, content, minutes, words):
    folder.mkdir()
    (folder / progress.FILE_NAME).write_bytes(content)
    os.utime(folder / progress.FILE_NAME, (time.time() - 60 * minutes,) * 2)
    record = Progress()
    fill(record)
    assert record.notice.endswith(words) and bool(record.notice) == bool(words)
    assert record.answers("01").keys() == {"01-a"} and not Progress().notice


def test_damage_under_a_running_notebook_is_noticed_too(folder):
    record = Progress()
    fill(record)
    for end in ("-wal", "-shm"):
        (folder / f"{progress.FILE_NAME}{end}").unlink(missing_ok=True)
    (folder / progress.FILE_NAME).write_bytes(b"broken " * 2000)
    record.record_answer("01", "01-b", "1", True)
    assert "damaged" in record.notice and record.answers("01").keys() == {"01-b"}


@pytest.mark.skipif(os.name == "nt", reason="HOME names the home folder of Unix")
@pytest.mark.parametrize("named", [None, "~nobody-of-this-name/progress"])
def test_a_user_without_a_home_is_told_and_no_folder_of_that_name_is_made(named, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    if named is None:
        monkeypatch.delenv(progress.HOME_VARIABLE)
        monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as it is where no home is known
    else:
        monkeypatch.setenv(progress.HOME_VARIABLE, named)
    record = Progress()
    fill(record)
    assert "this user has no home folder: name another one in GRADIENT_COURSE_HOME" in record.notice
    assert list(record.answers("01")) == ["01-a"] and not list(tmp_path.glob("~*"))


def test_a_place_that_cannot_be_written_keeps_the_record_in_memory(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    record = Progress(tmp_path / "file" / "below")
    assert "only until this kernel ends" in record.notice and record.waiting == 0
    fill(record)
    assert record.waiting == 3 and "last 3 entries" in record.notice
    assert record.prediction("01") == 1e-3 and record.summary()["01"].solved == {"chain_gradient"}


def test_a_folder_in_the_files_place_is_no_accident(folder):
    (folder / progress.FILE_NAME).mkdir(parents=True)
    record = Progress()
    fill(record)
    assert record.waiting == 3 and str(folder) in record.notice
    assert (folder / progress.FILE_NAME).is_dir()
    (folder / progress.FILE_NAME).rmdir()
    record.try_again()
    assert not record.notice and Progress().summary()["01"].solved == {"chain_gradient"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
@pytest.mark.parametrize("end", ["", "-wal", "-shm", "-journal"])
def test_a_pipe_in_a_files_place_hangs_nothing(folder, end):
    fill(Progress())
    (folder / f"{progress.FILE_NAME}{end}").unlink(missing_ok=True)
    os.mkfifo(folder / f"{progress.FILE_NAME}{end}")
    record = Progress()
    record.record_answer("01", "01-b", "b", True)
    assert f"{progress.FILE_NAME}{end} is not a file" in record.notice and "01-b" in record.answers("01")


def test_a_file_of_a_later_version_is_left_alone(folder):
    fill(Progress())
    connection = sqlite3.connect(folder / progress.FILE_NAME)
    connection.execute(f"PRAGMA user_version = {progress.VERSION + 1}")
    connection.close()
    record = Progress()
    fill(record)
    assert "newer version" in record.notice and not aside(folder)
    assert len(record.summary()) == 1 and record.waiting == 3


def test_an_error_of_our_own_is_not_taken_for_damage(folder):
    record = Progress()
    with pytest.raises(sqlite3.IntegrityError):
        record.write(lambda c: c.execute("INSERT INTO exercise VALUES (1, NULL, 'q', 1, 0)"))
    assert not record.notice and not record.waiting and not aside(folder)


def test_notebooks_of_a_kernel_share_a_record(folder, monkeypatch, tmp_path):
    assert progress.progress() is progress.progress()
    fill(progress.progress())
    assert progress.summary()["01"].right == {"01-a"}
    monkeypatch.setenv(progress.HOME_VARIABLE, str(tmp_path / "another"))
    assert progress.summary() == {}


def test_without_the_variable_the_users_data_folder_is_taken(monkeypatch):
    monkeypatch.delenv(progress.HOME_VARIABLE)
    assert progress.home().name == "gradient-course" and progress.home().is_absolute()


# What can't be written waits -----------------------------------------------------------------------------------------


@contextlib.contextmanager
def locked(folder):
    """The file held by another program."""
    with contextlib.closing(sqlite3.connect(folder / progress.FILE_NAME, isolation_level=None)) as blocker:
        blocker.execute("BEGIN EXCLUSIVE")
        yield
        blocker.execute("ROLLBACK")


@contextlib.contextmanager
def full(folder):
    """A disk without a free page: SQLite refuses to let the file grow."""
    record = folder / progress.FILE_NAME
    was = store._connection

    @contextlib.contextmanager
    def crowded(path, seconds):
        with was(path, seconds) as connection:
            if path == record:
                connection.execute("PRAGMA max_page_count = 1")
            yield connection

    store._connection = crowded
    try:
        yield
    finally:
        store._connection = was


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.05)
    monkeypatch.setattr(store, "RETRY_BUSY_SECONDS", 0.01)


def holds(folder, names):
    """Whether the answers in the file are those to these questions, in this order."""
    with contextlib.closing(sqlite3.connect(folder / progress.FILE_NAME)) as connection:
        return [name for (name,) in connection.execute("SELECT question FROM answer ORDER BY rowid")] == names


@pytest.mark.parametrize("hindrance, word", [(locked, "another program holds it"), (full, "full")])
def test_answers_wait_and_are_written_by_the_next_one_in_their_order(folder, impatient, hindrance, word, monkeypatch):
    monkeypatch.setattr(store, "FIRST_RETRY", 600)
    record, names = Progress(), [f"01-{number}-" + 4000 * "x" for number in range(6)]
    record.record_answer("01", names[0], "1", True)
    with hindrance(folder):
        for name in names[1:5]:
            record.record_answer("01", name, "1", True)
            assert word in record.notice and "kept only until this kernel ends" in record.notice
        assert "last 4 entries" in record.notice and record.waiting == 4
        assert list(record.answers("01")) == names[:5], "what waits is in view"
    assert holds(folder, names[:1])
    record.record_answer("01", names[5], "1", True)
    assert holds(folder, names) and not record.notice and not record.waiting
    assert list(record.answers("01")) == names


def test_answers_are_written_in_the_background_and_it_is_said_at_once(folder, impatient, monkeypatch):
    monkeypatch.setattr(store, "FIRST_RETRY", 0.01)

    class Reader:
        def __init__(self, record):
            self.notices, self.record, self.done = [], record, threading.Event()
            record.follow(self.on_change)

        def on_change(self):
            self.notices.append(self.record.notice)
            if not self.record.notice:
                self.done.set()

    record = Progress()
    reader = Reader(record)
    with locked(folder):
        record.record_answer("01", "01-a", "1", True)
        assert len(reader.notices) == 1 and "another program holds it" in reader.notices[0]
    assert reader.done.wait(60) and reader.notices[1:] == [""]
    assert holds(folder, ["01-a"]) and not record.waiting


def test_what_waits_when_python_ends_is_written_then(folder):
    program = (
        "import sqlite3, sys; from helpers.progress import Progress, store\n"
        "store.BUSY_SECONDS, store.FIRST_RETRY = 0.05, 600\n"
        "record = Progress()\n"
        "blocker = sqlite3.connect(record.path, isolation_level=None); blocker.execute('BEGIN EXCLUSIVE')\n"
        "record.record_answer('01', '01-a', 1, True); print(record.waiting)\n"
        "blocker.execute('ROLLBACK')"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "1\n"
    assert holds(folder, ["01-a"])


def test_a_write_whose_end_was_not_seen_is_done_again_and_nothing_is_there_twice(folder, monkeypatch):
    """Such as an interrupt between the commit and what follows it."""
    record, was = Progress(), store._connection

    @contextlib.contextmanager
    def interrupted(path, seconds):
        with was(path, seconds) as connection:
            yield connection
        raise KeyboardInterrupt

    for event in (lambda: record.record_answer("01", "01-a", "1", True), lambda: record.end_sitting("exam", [])):
        record.begin_sitting("exam", PAPER)
        monkeypatch.setattr(store, "_connection", interrupted)
        with pytest.raises(KeyboardInterrupt):
            event()
        monkeypatch.setattr(store, "_connection", was)
        assert record.waiting == 1
        record.try_again()
        assert record.waiting == 0
    rows = [row["event"] for row in record.rows("sitting")]
    assert holds(folder, ["01-a"]) and rows == ["begun", "begun", "ended"]


def test_a_wrong_write_among_those_that_wait_stops_none_of_them(folder, impatient):
    record = Progress()
    with locked(folder):
        record.record_answer("01", "01-a", "1", True)
        with pytest.raises(sqlite3.IntegrityError):
            record.write(lambda c: c.execute("INSERT INTO exercise VALUES (1, NULL, 'q', 1, 0)"))
        record.record_answer("01", "01-b", "1", True)
    record.try_again()
    assert holds(folder, ["01-a", "01-b"]) and not record.notice


# Files of an earlier version ------------------------------------------------------------------------------------------

VERSION_1 = """
CREATE TABLE answer (
    at REAL NOT NULL, lesson TEXT NOT NULL, question TEXT NOT NULL, given TEXT NOT NULL, correct INTEGER NOT NULL);
CREATE TABLE prediction (at REAL NOT NULL, lesson TEXT NOT NULL, prediction TEXT NOT NULL, given TEXT NOT NULL);
CREATE TABLE exercise (at REAL NOT NULL, lesson TEXT NOT NULL, exercise TEXT NOT NULL, correct INTEGER NOT NULL);
PRAGMA user_version = 1;
INSERT INTO answer VALUES (1700000000.5, '01', '01-a', '"0.25"', 1);
INSERT INTO answer VALUES (1700000100.5, '01', '01-a', '"half"', 0);
INSERT INTO prediction VALUES (1700000200.5, '01', '01', '0.001');
INSERT INTO exercise VALUES (1700000300.5, '01', 'chain_gradient', 1);
"""


def write_version_1(folder):
    folder.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(folder / progress.FILE_NAME)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(VERSION_1)


def test_a_file_of_version_1_keeps_everything(folder):
    write_version_1(folder)
    record = Progress()
    assert not record.notice and not aside(folder)
    assert record.history() == (
        Given("0.25", True, 1700000000.5, "01", "01-a", 0.0, None, None),
        Given("half", False, 1700000100.5, "01", "01-a", 0.0, None, None),
    )
    assert record.prediction("01") == 1e-3 and record.summary()["01"].solved == {"chain_gradient"}
    record.record_answer("01", "01-b", "x", True, seed=7, score=0.5)
    again = Progress().answers("01")
    assert (again["01-b"].seed, again["01-b"].score, again["01-a"].given) == (7, 0.5, "half")
    with contextlib.closing(sqlite3.connect(folder / progress.FILE_NAME)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (progress.VERSION,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_file_brought_up_to_date_is_built_like_a_new_one(folder, tmp_path):
    write_version_1(folder)
    Progress()
    Progress(tmp_path / "new")
    found = []
    for place in (folder, tmp_path / "new"):
        with contextlib.closing(sqlite3.connect(place / progress.FILE_NAME)) as connection:
            tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master ORDER BY name")]
            found.append({table: connection.execute(f"PRAGMA table_info({table})").fetchall() for table in tables})
    assert found[0] == found[1] and len(found[0]) == 4


def test_many_kernels_bring_a_file_up_to_date_at_once(folder):
    write_version_1(folder)
    script = "import sys; from helpers.progress import Progress; sys.stdin.readline(); print(Progress().notice)"
    command, pipe = [sys.executable, "-c", script], subprocess.PIPE
    kernels = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(3)]
    assert [kernel.communicate("go\n")[0] for kernel in kernels] == ["\n"] * 3
    assert len(Progress().history()) == 2 and not aside(folder)


def test_a_copy_is_kept_of_a_file_of_version_1_and_can_be_read_back(folder, tmp_path):
    write_version_1(folder)
    Progress()
    (copy,) = folder.glob("progress-before-new-version-*.sqlite3")
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    other = Progress(tmp_path / "other")
    merged = other.read_back(copy.name, copy.read_bytes())
    assert (merged.added, merged.known) == (4, 0) and other.history() == Progress().history()
    Progress()
    assert len(list(folder.glob("progress-before-*"))) == 1


def test_without_room_for_the_copy_a_file_of_version_1_stays_as_it_is(folder, monkeypatch):
    write_version_1(folder)
    before = (folder / progress.FILE_NAME).read_bytes()
    (folder / "taken").mkdir()
    monkeypatch.setattr(store, "_dated", lambda path, why: folder / "taken")
    record = Progress()
    assert "only until this kernel ends" in record.notice and len(record.history()) == 2
    assert (folder / progress.FILE_NAME).read_bytes() == before


# Rows that can't be read ----------------------------------------------------------------------------------------------

BAD_VALUES = {
    "at": ["'yesterday'", "x'00'", "9e99", "-9e99"],
    "lesson": ["x'00ff'", "CAST(x'ff' AS TEXT)"],
    "question": ["x'00ff'", "CAST(x'22ff22' AS TEXT)"],
    "given": ["CAST(x'22ff22' AS TEXT)", "x'3132'", "'{'", "''", f"'{'[' * 100_000}'"],
    "correct": ["'yes'", "2", "0.5", "x'01'"],
    "seconds": ["'long'", "-1.0", "9e999"],
    "seed": ["'seven'", "1.5", "x'07'"],
    "score": ["'good'", "1.5", "-1"],
}


@pytest.mark.parametrize(
    "column, value",
    [(name, value) for name, values in BAD_VALUES.items() for value in values],
    ids=lambda text: text[:24],
)
def test_a_bad_row_is_left_out_and_named(folder, column, value):
    record = Progress()
    for name in "abcd":
        record.record_answer("01", f"01-{name}", name, True, seed=1, score=0.5)
    with contextlib.closing(sqlite3.connect(folder / progress.FILE_NAME)) as connection, connection:
        connection.execute(f"UPDATE answer SET {column} = {value} WHERE rowid = 3")
    for each in (record, Progress()):
        assert list(each.answers("01")) == ["01-a", "01-b", "01-d"]
        assert f"Left out of your record, since it cannot be read: answer 3 ({column} is" in each.notice
        assert len(each.notice) < 300 and not aside(folder) and not each.waiting
        assert each.summary()["01"].answered == {"01-a", "01-b", "01-d"}
        assert len(json.loads(each.export())["answer"]) == 3
    record.record_answer("01", "01-e", "e", True)
    assert list(Progress().answers("01")) == ["01-a", "01-b", "01-d", "01-e"]


@pytest.mark.parametrize("column, value", [("event", "'paused'"), ("detail", "'[1]'"), ("detail", "'{}'")])
def test_a_bad_row_of_a_sitting_is_left_out_and_named(folder, column, value):
    record = Progress()
    record.begin_sitting("exam", PAPER)
    record.answer_sitting("exam", "01-a", "x")
    record.answer_sitting("exam", "02-b", "y")
    with contextlib.closing(sqlite3.connect(folder / progress.FILE_NAME)) as connection, connection:
        connection.execute(f"UPDATE sitting SET {column} = {value} WHERE rowid = 2")
    assert record.sitting("exam").given == {"02-b": "y"} and f"sitting 2 ({column} is" in record.notice


def test_many_bad_rows_are_counted_not_listed(folder):
    record = Progress()
    row = "INSERT INTO answer (at, lesson, question, given, correct) VALUES ('?', '01', 'x', '1', 1)"
    record.write(lambda c: c.executemany(row, [()] * 50))
    assert record.history() == () and record.notice.endswith("; and 47 more.")


def test_a_foreign_database_is_set_aside_unchanged(folder):
    folder.mkdir()
    with contextlib.closing(sqlite3.connect(folder / progress.FILE_NAME)) as connection, connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    before = (folder / progress.FILE_NAME).read_bytes()
    record = Progress()
    fill(record)
    assert "set aside" in record.notice and aside(folder)[0].read_bytes() == before
    assert Progress().answers("01").keys() == {"01-a"}


ANSWER = "at REAL NOT NULL, lesson TEXT NOT NULL, question TEXT NOT NULL, given TEXT NOT NULL, correct INTEGER NOT NULL"
OTHER_RULES = {
    "a trigger that drops rows": (
        f"CREATE TABLE answer ({ANSWER}); CREATE TRIGGER drops BEFORE INSERT ON answer BEGIN SELECT RAISE(IGNORE); END"
    ),
    "a column unique": f"CREATE TABLE answer ({ANSWER}, UNIQUE (lesson))",
    "a column more that must be filled": f"CREATE TABLE answer ({ANSWER}, mood TEXT NOT NULL)",
    "no numbers of rows": f"CREATE TABLE answer ({ANSWER}, PRIMARY KEY (at)) WITHOUT ROWID",
    "a condition that no row meets": f"CREATE TABLE answer ({ANSWER}, CHECK (at < 0))",
    "values of the column's type only": (
        "CREATE TABLE answer (at INT, lesson INT, question INT, given INT, correct INT) STRICT"
    ),
    "an order of texts that is nowhere explained": (
        f"CREATE TABLE answer ({ANSWER}); PRAGMA writable_schema = ON;"
        "UPDATE sqlite_master SET sql = replace(sql, 'lesson TEXT', 'lesson TEXT COLLATE strange')"
    ),
    "a table that searches texts": "CREATE VIRTUAL TABLE answer USING fts5(at, lesson, question, given, correct)",
}


@pytest.mark.parametrize("rule", OTHER_RULES)
def test_a_table_of_an_answers_name_with_other_rules_is_set_aside(folder, rule):
    folder.mkdir()
    with contextlib.closing(sqlite3.connect(folder / progress.FILE_NAME)) as connection:
        connection.executescript(OTHER_RULES[rule])
    record = Progress()
    fill(record)
    record.record_answer("01", "01-b", "b", True)
    assert "set aside" in record.notice and len(aside(folder)) == 1
    assert Progress().answers("01").keys() == {"01-a", "01-b"}


def test_a_damaged_file_is_found_when_it_is_opened(folder):
    """Before the first answer, not at the one that happens to need the page."""
    record = Progress()
    row = "INSERT INTO exercise VALUES (1e9, '01', ?, 1, 0)"
    record.write(lambda c: c.executemany(row, [(str(number) * 50,) for number in range(200)]))
    path = folder / progress.FILE_NAME
    content = path.read_bytes()
    path.write_bytes(content[:-4096] + b"\x07" * 4096)
    assert "damaged" in Progress().notice and len(aside(folder)) == 1


def test_what_another_notebook_has_mended_already_is_not_set_aside_again(folder, monkeypatch):
    record = Progress()
    fill(record)
    monkeypatch.setattr(store, "_is_damage", lambda error: True)
    assert record.read(lambda c: c.execute("SELECT count(*) FROM answer").fetchone()) == (1,)
    damaged = sqlite3.DatabaseError("what was read before the other notebook began a new file")
    attempts = iter([damaged])

    def work(connection):
        for error in attempts:
            raise error
        return connection.execute("SELECT count(*) FROM answer").fetchone()

    assert record.read(work) == (1,) and not aside(folder) and not record.notice


# Places that can't be written ----------------------------------------------------------------------------------------


@contextlib.contextmanager
def as_ordinary_user():
    """Not as root, who may write anywhere; only where tests run as root is there anything to change."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


@pytest.fixture
def closed_folder():
    """A folder that everybody can look into and, once `chmod` has closed it, nobody can write."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        folder.chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no folders closed by mode")
@pytest.mark.parametrize("earlier", [False, True])
def test_a_read_only_data_folder_keeps_the_record_in_memory(closed_folder, earlier):
    if earlier:
        fill(Progress(closed_folder))
        (closed_folder / progress.FILE_NAME).chmod(0o444)
    closed_folder.chmod(0o555)
    with as_ordinary_user():
        record = Progress(closed_folder)
        record.record_answer("02", "02-a", "1", True)
        assert "only until this kernel ends" in record.notice and record.waiting == 1
        assert record.answers("01").keys() == ({"01-a"} if earlier else set())
        assert record.answers("02").keys() == {"02-a"}
        with pytest.raises(RuntimeError, match="Nothing was reset.*only until this kernel ends"):
            record.empty()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no files closed by mode")
def test_a_record_that_was_read_only_for_a_while_is_written_again(closed_folder, monkeypatch):
    """What SQLite keeps beside it was made meanwhile, and is read-only, too."""
    monkeypatch.setattr(store, "FIRST_RETRY", 600)
    closed_folder.chmod(0o777)
    path = closed_folder / progress.FILE_NAME
    with as_ordinary_user():
        record = Progress(closed_folder)
        record.record_answer("01", "01-a", "1", True)
        path.chmod(0o444)
        record.record_answer("01", "01-b", "1", True)
        assert record.waiting == 1 and "only until this kernel ends" in record.notice
        path.chmod(0o644)
        record.record_answer("01", "01-c", "1", True)
        assert not record.waiting and not record.notice
        assert list(Progress(closed_folder).answers("01")) == ["01-a", "01-b", "01-c"]


def test_the_record_lies_outside_the_course(monkeypatch, tmp_path):
    """A course folder that is read-only or shared needs no place to write in."""
    monkeypatch.delenv(progress.HOME_VARIABLE)
    course = Path(__file__).resolve().parents[1]
    monkeypatch.chdir(course)
    assert not progress.home().resolve().is_relative_to(course)


def test_the_readme_names_the_folder_of_each_system(monkeypatch):
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    readme = (Path(__file__).resolve().parents[1] / "docs/progress.md").read_text(encoding="utf-8")
    for system in (unix.Unix, macos.MacOS):
        folder = Path(system("gradient-course", appauthor=False).user_data_dir).relative_to(Path.home())
        assert f"`~/{folder.as_posix()}`" in readme
    assert progress.HOME_VARIABLE in readme and progress.FILE_NAME in readme


# Time, seeds, scores -------------------------------------------------------------------------------------------------


class Clock:
    def __init__(self, monkeypatch):
        self.now = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


def test_time_runs_from_what_was_shown_or_done_last(monkeypatch):
    clock = Clock(monkeypatch)
    record = Progress()
    clock.now += 50
    record.shown()
    clock.now += 20
    record.record_prediction("01", "01", 1e-3)
    clock.now += 30
    record.record_answer("01", "01-a", "1", True, seed=12, score=0.75)
    clock.now += 100_000
    record.record_exercise("02", "x", False)
    answer = record.answers("01")["01-a"]
    assert (answer.seconds, answer.seed, answer.score) == (30, 12, 0.75)
    assert record.summary()["01"].seconds == 50
    assert record.summary()["02"].seconds == progress.LONGEST_SECONDS == 300


# Sittings ------------------------------------------------------------------------------------------------------------

PAPER = [("01-a", None), ("02-b", 2**62)]


def test_a_sitting_is_read_back_by_another_kernel(monkeypatch):
    clock = Clock(monkeypatch)
    record = Progress()
    assert record.sitting("exam") is None
    record.begin_sitting("exam", PAPER)
    for seconds, question, answer in [(10, "01-a", "x"), (5, "02-b", ["b", "a"]), (2, "01-a", "y")]:
        clock.now += seconds
        record.answer_sitting("exam", question, answer)
    again = Progress().sitting("exam")
    assert again.questions == tuple(PAPER) and again.ended is None
    assert again.given == {"01-a": "y", "02-b": ["b", "a"]} and again.seconds == {"01-a": 12, "02-b": 5}
    assert record.history() == (), "nothing is graded before the end"


def test_a_sitting_ends_once_with_all_its_answers():
    record, other = Progress(), Progress()
    record.begin_sitting("exam", PAPER)
    graded = [Given("y", True, time.time(), "01", "01-a", 12.0), Given("z", False, time.time(), "02", "02-b", 5.0, 8)]
    record.end_sitting("exam", graded)
    other.end_sitting("exam", graded)
    assert Progress().history() == tuple(graded)
    assert record.sitting("exam").ended >= record.sitting("exam").begun and record.sitting("exam").right == 1
    record.begin_sitting("exam", PAPER)
    assert record.sitting("exam").ended is None and record.sitting("exam").given == {}
    assert [(each.name, each.right) for each in record.sittings()] == [("exam", 1), ("exam", 0)]
    record.end_sitting("never begun", graded)
    assert len(record.history()) == 2


def test_a_sitting_that_cannot_be_kept_whole_is_not_kept_at_all():
    record = Progress()
    record.begin_sitting("exam", PAPER)
    with pytest.raises(sqlite3.IntegrityError):
        record.end_sitting("exam", [Given("y", True, 1.0, "01", "01-a"), Given("z", True, 1.0, "02", None)])
    assert record.history() == () and record.sitting("exam").ended is None


KILLED_IN_A_SITTING = """
from helpers.progress import Progress
record = Progress()
record.begin_sitting("exam", [("01-a", None)])
for number in range(10**6):
    record.answer_sitting("exam", str(number), number)
    print(number, flush=True)
"""


def test_a_kill_in_the_middle_of_an_exam_loses_no_answer(folder):
    writer = subprocess.Popen([sys.executable, "-c", KILLED_IN_A_SITTING], stdout=subprocess.PIPE, text=True)
    acknowledged = [writer.stdout.readline().strip() for _ in range(20)]
    writer.kill()
    acknowledged += writer.stdout.read().split("\n")[:-1]
    writer.wait()
    writer.stdout.close()
    given = Progress().sitting("exam").given
    assert set(acknowledged) <= given.keys() and len(given) <= len(acknowledged) + 1


# One's own data -------------------------------------------------------------------------------------------------------


def test_export_holds_every_row(folder):
    record = Progress()
    fill(record)
    record.record_answer("01", "01-a", ["ä", 1], False, seed=3, score=0.5)
    record.begin_sitting("exam", PAPER)
    record.answer_sitting("exam", "01-a", "x")
    content = json.loads(record.export())
    assert content["format"] == progress.VERSION
    assert [row["given"] for row in content["answer"]] == ["0.25", ["ä", 1]]
    assert (content["answer"][1]["seed"], content["answer"][1]["score"]) == (3, 0.5)
    assert content["prediction"][0]["given"] == 1e-3 and content["exercise"][0]["exercise"] == "chain_gradient"
    assert [row["detail"] for row in content["sitting"]] == [[["01-a", None], ["02-b", 2**62]], ["01-a", "x"]]
    moment = datetime.fromisoformat(content["answer"][0]["at"])
    assert moment.utcoffset().total_seconds() == 0 and abs(moment.timestamp() - time.time()) < 600


def test_reset_leaves_a_copy_and_an_empty_record_to_all_notebooks(folder):
    record, other = Progress(), Progress()
    fill(record)
    record.begin_sitting("exam", PAPER)
    before = json.loads(record.export())
    copy = record.empty()
    for each in (record, other, Progress()):
        assert each.summary() == {} and each.sitting("exam") is None and not each.notice
    assert copy.parent == folder and "reset" in copy.name
    (folder / "old").mkdir()
    copy.replace(folder / "old" / progress.FILE_NAME)
    after = json.loads(Progress(folder / "old").export())
    assert [before[table] for table in ("answer", "prediction", "exercise", "sitting")] == [
        after[table] for table in ("answer", "prediction", "exercise", "sitting")
    ]


def test_without_a_copy_nothing_is_reset(folder, monkeypatch):
    record = Progress()
    fill(record)
    (folder / "taken").mkdir()
    monkeypatch.setattr(store, "_dated", lambda path, why: folder / "taken")
    with pytest.raises(RuntimeError, match="Nothing was reset"):
        record.empty()
    assert record.answers("01").keys() == {"01-a"} and not record.notice


# Reading back --------------------------------------------------------------------------------------------------------


def given_at(record):
    return [(each.question, each.given) for each in record.history()]


def test_two_records_become_one_ordered_by_time_and_nothing_is_twice(tmp_path, monkeypatch):
    home, school = Progress(tmp_path / "home"), Progress(tmp_path / "school")
    now = 1e9
    monkeypatch.setattr(time, "time", lambda: now)
    for number in range(8):
        now += 1.25
        record = (home, school)[number % 3 == 0]
        record.record_answer("01", "01-a", number, True, seed=number)
        record.record_prediction("01", "01", number)
        record.record_exercise("01", f"x{number}", True)
    home.begin_sitting("exam", PAPER)
    home.answer_sitting("exam", "01-a", "x")
    for first, second in ((home, school), (school, home), (home, school)):
        second.read_back("export", first.export().encode())
    assert [given for _, given in given_at(home)] == [given for _, given in given_at(school)] == list(range(8))
    assert home.prediction("01") == school.prediction("01") == 7
    assert school.summary()["01"].solved == {f"x{number}" for number in range(8)}
    assert school.sitting("exam").given == {"01-a": "x"}
    assert home.read_back("again", school.export().encode()).added == 0


def test_equal_entries_of_one_moment_are_all_read_back(tmp_path, monkeypatch):
    """Of what an export holds twice, the record gets two; of what it has once, one more."""
    monkeypatch.setattr(time, "time", lambda: 1e9)
    one, two = Progress(tmp_path / "one"), Progress(tmp_path / "two")
    row = "INSERT INTO exercise VALUES (1e9, '01', 'x', 1, 0)"
    one.write(lambda c: c.executemany(row, [()] * 2))
    two.write(lambda c: c.execute(row))
    assert two.read_back("export", one.export().encode()).added == 1
    assert len(two.rows("exercise")) == 2


def test_a_clock_that_was_set_back_disturbs_no_sitting(tmp_path, monkeypatch):
    record, other = Progress(tmp_path / "one"), Progress(tmp_path / "two")
    clock = iter([2e9, 1e9, 1e9 + 5])
    monkeypatch.setattr(time, "time", lambda: next(clock, 3e9))
    record.begin_sitting("exam", PAPER)
    record.answer_sitting("exam", "01-a", "x")
    other.record_exercise("01", "y", True)
    other.begin_sitting("other", PAPER)
    record.read_back("export", other.export().encode())
    assert record.sitting("exam").given == {"01-a": "x"} and record.sitting("other") is not None


def test_reading_back_leaves_rows_that_cannot_be_read_where_they_are(folder, tmp_path):
    record, other = Progress(), Progress(tmp_path / "other")
    fill(other)
    for name in "ab":
        record.record_answer("01", f"01-{name}", name, True)
    with contextlib.closing(sqlite3.connect(folder / progress.FILE_NAME)) as connection, connection:
        connection.execute("UPDATE answer SET given = CAST(x'22ff22' AS TEXT) WHERE rowid = 1")
    assert record.read_back("export", other.export().encode()).added == 3
    with contextlib.closing(sqlite3.connect(folder / progress.FILE_NAME)) as connection:
        kept = connection.execute("SELECT typeof(given), hex(given) FROM answer ORDER BY at").fetchall()
    assert ("text", "22FF22") in kept and len(kept) == 3


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "is empty"),
        (b"not json", "not a JSON file"),
        (b"\xff\xfe", "not a JSON file"),
        (b"[" * 100_000, "not a JSON file"),
        (b"[]", "not an export of this course"),
        (b'{"course": "Cooking"}', "not an export of this course"),
        (b'{"course": "Where did the gradient go?", "format": 99}', "newer version.*format 99, here 2"),
        (b'{"course": "Where did the gradient go?", "format": 2, "answer": 7}', "no list under 'answer'"),
        (b"SQLite format 3\0" + bytes(5000), "no part of it can be read"),
    ],
    ids=range(9),
)
def test_what_is_no_export_is_named_and_changes_nothing(folder, content, words):
    record = Progress()
    fill(record)
    before = record.rows("answer")
    with pytest.raises(ValueError, match=f"(?s)^mine\\.json .*{words}"):
        record.read_back("mine.json", content)
    assert record.rows("answer") == before and not record.notice and not list(folder.glob("progress-before*"))


def test_bad_entries_of_an_export_are_named_and_the_others_read(tmp_path):
    record, other = Progress(), Progress(tmp_path / "other")
    fill(other)
    other.record_answer("01", "01-b", "b", True)
    export = json.loads(other.export())
    export["answer"][0]["at"] = "yesterday"
    export["exercise"] += [7, {"at": "2026-01-01T00:00:00+00:00"}]
    merged = record.read_back("export", json.dumps(export).encode())
    assert merged.added == 3 and len(merged.left_out) == 3
    assert merged.left_out[0] == "answer 1 (at is 'yesterday', not a number)"


WRONG_IN_AN_EXPORT = {
    "half a character": ("lesson", "\ud800", "lesson is '\\ud800', which holds half a character"),
    "a seed beyond 64 bits": ("seed", 2**64, "seed is 18446744073709551616, not a whole number of 64 bits"),
    "no time at all": ("seconds", 10**400, "not between 0 and"),
    "an infinite time": ("seconds", float("inf"), "not between 0 and"),
    "no number": ("seconds", float("nan"), "seconds is nan, not a number"),
}


@pytest.mark.parametrize("case", WRONG_IN_AN_EXPORT)
def test_a_value_that_the_file_cannot_hold_is_left_out_of_what_is_read_back(case, tmp_path):
    column, value, words = WRONG_IN_AN_EXPORT[case]
    record, other = Progress(), Progress(tmp_path / "other")
    fill(other)
    export = json.loads(other.export())
    export["answer"].append({**export["answer"][0], column: value})
    merged = record.read_back("export", json.dumps(export).encode())
    assert merged.added == 3 and len(merged.left_out) == 1 and words in merged.left_out[0]


def test_whole_numbers_in_an_export_that_another_program_has_written_are_nothing_new(tmp_path):
    other = Progress(tmp_path / "other")
    other.record_answer("01", "01-a", 1, True, score=1.0)
    export = json.loads(other.export())
    export["answer"][0]["seconds"] = 0
    text = json.dumps(export).replace('"score": 1.0', '"score": 1').encode()
    record = Progress()
    assert record.read_back("export", text).added == 1
    assert (record.read_back("export", text).added, record.read_back("own", record.export().encode()).added) == (0, 0)


def test_half_a_character_in_an_answer_is_exported_and_read_back(tmp_path):
    """JavaScript cuts a text in the middle of an emoji without a word."""
    record, other = Progress(), Progress(tmp_path / "other")
    other.record_answer("01", "01-a", "\ud83d", False)
    (tmp_path / "export.json").write_text(other.export(), encoding="utf-8")
    assert record.read_back("export", (tmp_path / "export.json").read_bytes()).added == 1
    assert record.answers("01")["01-a"].given == "\ud83d"


def test_a_damaged_copy_gives_what_can_still_be_read(folder, tmp_path):
    record = Progress()
    row = "INSERT INTO answer (at, lesson, question, given, correct) VALUES (1e9, '01', ?, '1', 1)"
    record.write(lambda c: c.executemany(row, [(f"01-{number}-" + "x" * 200,) for number in range(200)]))
    path = folder / progress.FILE_NAME
    path.write_bytes(path.read_bytes()[: 8 * 4096])
    again = Progress()
    (copy,) = aside(folder)
    merged = again.read_back(copy.name, copy.read_bytes())
    assert 0 < merged.added < 200 and "answer after" in merged.left_out[0]
    assert len(again.history()) == merged.added


def test_nothing_is_read_back_while_the_file_is_out_of_use(folder, impatient, tmp_path):
    record, other = Progress(), Progress(tmp_path / "other")
    fill(other)
    with locked(folder), pytest.raises(RuntimeError, match="Nothing was read"):
        record.read_back("export", other.export().encode())
    assert record.rows("answer") == []
