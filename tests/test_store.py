"""What is kept of lessons and panels for pages: when it counts, that it is written whole, that it changes nothing."""

from __future__ import annotations

import filecmp
import json
import os
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest

from helpers.publish.cells import preparing, store
from helpers.publish.cells.bake import Fineness
from helpers.publish.cells.context import BuildOptions
from helpers.publish.cells.pieces import Piece
from helpers.publish.cells.preparing import _names_left, cell_from, cell_to, prepare
from helpers.publish.cells.running import Cell, panels_in
from helpers.publish.cells.store import Store, files_in_use
from helpers.publish.site.build import build_site
from tests.browser.lab import write_notebook

ROOT = Path(__file__).resolve().parents[1]
KEY = {"panel": "relu", "part": 0.5}
QUICK = BuildOptions(Fineness(0), quick=True)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store of a course of two files, both in use."""
    (tmp_path / "helpers").mkdir()
    for name in ("a.py", "b.py"):
        (tmp_path / "helpers" / name).write_text("1")
    monkeypatch.setattr(store, "files_in_use", lambda root: ["helpers/a.py", "helpers/b.py"])
    return Store(tmp_path / "kept", root=tmp_path)


def again(kept: Store, fresh: bool = False) -> Store:
    return Store(kept.folder, fresh, kept.root)


def test_what_is_kept_counts_until_a_file_that_it_was_made_from_changes(kept: Store) -> None:
    kept.put(KEY, {"rows": "abc"})
    assert again(kept).get(KEY) == {"rows": "abc"}
    assert again(kept).get({**KEY, "part": 1.0}) is None
    assert again(kept, fresh=True).get(KEY) is None
    (kept.root / "helpers" / "c.py").write_text("another")
    assert again(kept).get(KEY) == {"rows": "abc"}, "it was not in use"
    (kept.root / "helpers" / "b.py").write_text("2")
    assert again(kept).get(KEY) is None
    again(kept).put(KEY, {"rows": "new"})
    assert again(kept).get(KEY) == {"rows": "new"}
    (kept.root / "helpers" / "b.py").unlink()
    assert again(kept).get(KEY) is None


@pytest.mark.parametrize("damage", [b"", b"nonsense", zlib.compress(b"{"), zlib.compress(b"[1]"), zlib.compress(b"{}")])
def test_a_damaged_entry_counts_as_none_and_is_replaced(kept: Store, damage: bytes) -> None:
    kept.put(KEY, 1)
    (path,) = kept.folder.glob("*.entry")
    path.write_bytes(damage)
    assert again(kept).get(KEY) is None
    again(kept).put(KEY, 2)
    assert again(kept).get(KEY) == 2


def test_an_interrupt_while_an_entry_is_written_leaves_the_one_before(
    kept: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.put(KEY, 1)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        kept.put(KEY, 2)
    assert again(kept).get(KEY) == 1
    assert len(list(kept.folder.iterdir())) == 1


def test_a_folder_that_cannot_be_written_is_no_fault(kept: Store) -> None:
    kept.folder.write_text("a file is in the way")
    kept.put(KEY, 1)
    kept.prune()
    assert kept.get(KEY) is None


def test_what_was_not_used_for_longest_goes_first_and_so_do_old_drafts(kept: Store) -> None:
    for number in range(4):
        kept.put({"panel": str(number)}, number)
    for age, path in enumerate(kept._path({"panel": str(number)}) for number in range(4)):
        os.utime(path, (time.time() - 100 + age, time.time() - 100 + age))
    assert kept.get({"panel": "0"}) == 0  # used just now
    old, new = kept.folder / "x.draft", kept.folder / "y.draft"
    for draft in (old, new):
        draft.write_text("")
    os.utime(old, (0, 0))
    size = kept._path({"panel": "0"}).stat().st_size
    kept.prune(limit=2 * size)
    assert [kept.get({"panel": str(number)}) for number in range(4)] == [0, None, None, 3]
    assert not old.exists() and new.exists()


WRITE_OFTEN = """
import sys
from pathlib import Path
from helpers.publish.cells.store import Store
kept = Store(Path(sys.argv[1]))
for _ in range(30):
    kept.put({key!r}, sys.argv[2] * 10_000)
"""


def test_two_builds_at_once_read_and_write_whole_entries(tmp_path: Path) -> None:
    program = WRITE_OFTEN.format(key=KEY)
    kept = Store(tmp_path)
    found = {kept.get(KEY)}
    writers = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path), each], cwd=ROOT) for each in "ab"]
    while any(writer.poll() is None for writer in writers):
        found.add(kept.get(KEY))
    found.add(kept.get(KEY))
    assert [writer.returncode for writer in writers] == [0, 0]
    assert found - {None} and found <= {None, "a" * 10_000, "b" * 10_000}
    assert [path.suffix for path in tmp_path.iterdir()] == [".entry"]


def test_modules_and_data_in_use_are_found() -> None:
    program = (
        "from helpers.publish.cells.store import files_in_use, note_files\nnote_files()\n"
        "from helpers.datasets import digits\ndigits()\nprint(*files_in_use())"
    )
    found = subprocess.check_output([sys.executable, "-c", program], cwd=store.ROOT, text=True).split()
    assert {"data/digits.npz", "helpers/datasets.py", "helpers/publish/cells/store.py"} <= set(found)
    assert not {"helpers/panels/panel.py", "data/sunspots.npz"} & set(found)
    assert not any(name.startswith("helpers/publish/site") for name in files_in_use())


# Preparing -----------------------------------------------------------------------------------------------------------


def test_a_cell_comes_back_from_json_as_it_was() -> None:
    piece = Piece("quiz", "<p>", ("a", "b"), "03", {"question-1": {"answers": [1, None]}})
    cell = Cell("id", "code", "x", "slide", frozenset({"b", "a"}), "said", (piece,))
    assert cell_from(json.loads(json.dumps(cell_to(cell)))) == cell


def test_panels_are_found_in_cells() -> None:
    cells = [
        Cell("a", "code", "p = panels.relu()\npanels.still(panels.relu())"),
        Cell("b", "markdown", "panels.cliff()"),
    ]
    assert panels_in(cells) == ["relu"]


def test_the_bar_says_what_is_left() -> None:
    def left(*names: str) -> str:
        shares = [(preparing.Task(name, {}, max, [], max), share) for name in names for share in range(2)]
        return _names_left(shares)

    assert left("lesson 03", "panel relu", "lesson 04", "panel gans") == "left: lessons 03, 04; 2 panels"
    assert left("lesson 03") == "left: lessons 03"


def test_without_a_terminal_a_line_says_what_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notebooks = {number: write_notebook(tmp_path / f"{number}_other.ipynb", "1 + 1") for number in ("00", "01")}
    prepare(notebooks, QUICK, Store(tmp_path / "kept"))
    said = capsys.readouterr().out.splitlines()
    assert said in (["lesson 00 is done; left: lessons 01"], ["lesson 01 is done; left: lessons 00"])


PREPARE = """
import sys
from pathlib import Path
from helpers.publish.cells.preparing import prepare
from helpers.publish.cells.store import Store
from tests.test_store import QUICK
if __name__ == "__main__":
    prepare({"00": Path(sys.argv[1])}, QUICK, Store(Path(sys.argv[2])))
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals of this kind")
def test_a_terminal_that_tells_no_size_shows_the_bar(tmp_path: Path) -> None:
    import pty

    notebook = write_notebook(tmp_path / "00_other.ipynb", "1 + 1")
    ours, its = pty.openpty()
    command = [sys.executable, "-c", PREPARE, str(notebook), str(tmp_path / "kept")]
    subprocess.run(command, cwd=ROOT, stderr=its, check=True)
    assert "left: lessons 00" in os.read(ours, 10_000).decode()
    os.close(ours)
    os.close(its)


@pytest.mark.slow
def test_only_what_has_changed_is_run_again_and_pages_are_the_same_byte_for_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "kept"
    done: list[str] = []
    computed = preparing._computed

    def counted(tasks: list[preparing.Task], *more: object) -> object:
        done.extend(task.name for task in tasks)
        return computed(tasks, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(preparing, "_computed", counted)
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    build_site(first, ("00",), QUICK, Store(kept))
    assert done == ["lesson 00", "panel start_here"]
    build_site(second, ("00",), QUICK, Store(kept))
    assert len(done) == 2, "nothing was run again"
    build_site(third, ("00",), QUICK, Store(kept, fresh=True))
    assert len(done) == 4
    names = sorted(path.relative_to(first).as_posix() for path in first.rglob("*") if path.is_file())
    for other in (second, third):
        assert filecmp.cmpfiles(first, other, names, shallow=False) == (names, [], [])
    notebook = write_notebook(tmp_path / "00_other.ipynb", "1 + 1")
    prepared = prepare({"00": notebook}, QUICK, Store(kept))
    assert done[4:] == ["lesson 00"] and not prepared.tables
