"""A folder is written whole: whatever interrupts it, what was there before stays, and one sentence says why."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.publish.exports import __main__ as exports
from helpers.publish.exports.formats import export
from helpers.publish.folder import MARK, FolderError, digest, write_files, write_text, written_whole
from helpers.publish.lite import __main__ as lite
from helpers.publish.present import __main__ as present
from helpers.publish.site import __main__ as site
from tests.browser.lab import ROOT


def files(folder: Path) -> dict[str, str]:
    """What a folder holds, hidden files too, except for the mark."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_text(encoding="utf-8") for name, path in found.items() if path.name != MARK}


def build(folder: Path, text: str = "new") -> None:
    with written_whole(folder, "a test") as draft:
        (draft / "inner").mkdir()
        write_text(draft / "inner" / "page.html", text)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A folder that an earlier build has made."""
    build(tmp_path / "site", "good")
    return tmp_path / "site"


def test_a_folder_is_made_and_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "site"
    for text in ("first", "second"):
        build(folder, text)
        assert files(tmp_path) == {"deep/site/inner/page.html": text}, "nothing is left beside it"
    assert "`a test`" in (folder / MARK).read_text()


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ValueError])
def test_what_is_interrupted_leaves_the_good_folder(good: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), written_whole(good, "a test") as draft:
        write_text(draft / "page.html", "half")
        assert files(good) == {"inner/page.html": "good"}
        raise error
    assert files(good.parent) == {"site/inner/page.html": "good"}


def test_a_full_disk_is_one_sentence_and_leaves_the_good_folder(good: Path) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "page.html")
    with pytest.raises(FolderError) as raised, written_whole(good, "a test"):
        raise full
    assert str(raised.value) == f"Cannot write into {good}: the disk is full. Make room, or name another folder."
    assert files(good) == {"inner/page.html": "good"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_the_system_itself_says_that_it_is_full(good: Path) -> None:
    with pytest.raises(FolderError, match="the disk is full"), written_whole(good, "a test") as draft:
        (draft / "page.html").symlink_to("/dev/full")
        write_text(draft / "page.html", "much")
    assert files(good) == {"inner/page.html": "good"}


@pytest.mark.parametrize("step", [1, 2])
def test_a_swap_that_fails_puts_the_good_folder_back(good: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    rename, calls = Path.rename, iter(range(1, 99))

    def fails(self: Path, target: Path) -> Path:
        if next(calls) == step:
            raise PermissionError(errno.EACCES, "in use", str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(FolderError, match="Cannot write into .*: in use"):
        build(good)
    assert files(good.parent) == {"site/inner/page.html": "good"}


def test_what_a_killed_build_has_left_is_cleared(good: Path) -> None:
    for left in (".site.new", ".site.old"):
        (good.parent / left).mkdir()
        write_text(good.parent / left / MARK, "left")
    build(good)
    assert files(good.parent) == {"site/inner/page.html": "new"}
    good.rename(good.parent / ".site.old")  # killed between the two steps of a swap
    with pytest.raises(KeyboardInterrupt), written_whole(good, "a test"):
        raise KeyboardInterrupt
    assert files(good.parent) == {"site/inner/page.html": "new"}


@pytest.mark.parametrize("place", ["site", ".site.new", ".site.old"])
def test_files_of_somebody_else_are_left_alone(tmp_path: Path, place: str) -> None:
    (tmp_path / place).mkdir()
    (tmp_path / place / "thesis.txt").write_text("mine")
    with pytest.raises(FolderError, match="this command did not make"):
        build(tmp_path / "site")
    assert files(tmp_path) == {f"{place}/thesis.txt": "mine"}


def test_a_file_is_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "deck.apkg"
    write_files({path: b"good"})
    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_files({path: b"half"})
    assert files(tmp_path) == {"deck.apkg": "good"}


def test_a_paper_never_stands_beside_another_papers_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paper, key = tmp_path / "paper.html", tmp_path / "paper_key.html"
    write_files({paper: b"old", key: b"old key"})
    whole = Path.write_bytes
    monkeypatch.setattr(
        Path, "write_bytes", lambda path, content: interrupted() if b"key" in content else whole(path, content)
    )
    with pytest.raises(KeyboardInterrupt):
        write_files({paper: b"new", key: b"new key"})
    assert files(tmp_path) == {"paper.html": "old", "paper_key.html": "old key"}
    monkeypatch.undo()
    key.unlink()
    key.mkdir()
    with pytest.raises(IsADirectoryError, match="paper_key.html"):
        write_files({paper: b"new", key: b"new key"})
    assert paper.read_bytes() == b"old"


def interrupted(*_: object) -> int:
    raise KeyboardInterrupt


def test_a_digest_knows_names_and_contents(good: Path) -> None:
    before = digest(good, without=MARK)
    (good / MARK).write_text("other")
    assert digest(good, without=MARK) == before
    (good / "inner" / "page.html").rename(good / "page.html")
    renamed = digest(good, without=MARK)
    (good / "page.html").write_text("")
    assert len({before, renamed, digest(good, without=MARK)}) == 3


# The commands --------------------------------------------------------------------------------------------------------

COMMANDS = {
    "site": (site.main, ["--quick", "--part=0", "--lesson=00"]),
    "present": (present.main, ["00", "--quick", "--part=0"]),
    "lite": (lite.main, ["--pyodide=/nowhere"]),
    "export": (exports.main, ["paper"]),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_file_in_place_of_the_folder_is_one_sentence(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main, words = COMMANDS[name]
    (tmp_path / "file").write_text("mine")
    for place in ("file", "file/below"):
        assert main([*words, f"--to={tmp_path / place}"]) == 1
        printed = capsys.readouterr().err
        assert printed.startswith(f"{name}: ") and printed.count("\n") == 1
        assert str(tmp_path / "file") in printed and "name a" in printed.lower()
    assert files(tmp_path) == {"file": "mine"}


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder into which nobody may write; for root, whom permissions don't stop, on Linux's own file system."""
    if os.name == "posix" and os.geteuid() == 0:
        yield Path("/proc")
        return
    tmp_path.chmod(0o500)
    yield tmp_path
    tmp_path.chmod(0o700)


@pytest.mark.skipif(sys.platform != "linux", reason="needs permissions as Linux has them")
@pytest.mark.parametrize("name", COMMANDS)
def test_a_read_only_folder_is_one_sentence(name: str, read_only: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main, words = COMMANDS[name]
    assert main([*words, f"--to={read_only / 'out'}"]) == 1
    printed = capsys.readouterr().err
    assert printed.startswith(f"{name}: Cannot write into {read_only}") and printed.count("\n") == 1


def test_an_export_leaves_the_earlier_file_where_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export("gift", (), tmp_path)
    before = files(tmp_path)
    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        export("gift", (), tmp_path)
    assert files(tmp_path) == before


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends Ctrl-C as Unix does")
@pytest.mark.parametrize("to_all", [False, True], ids=["to the builder alone", "to its group"])
def test_ctrl_c_ends_a_build_at_once_and_leaves_the_good_site(good: Path, to_all: bool) -> None:
    command = [sys.executable, "-m", "helpers.publish.site", f"--to={good}", "--lesson=00", "--lesson=02"]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 120
    while not (good.parent / ".site.new" / "index.html").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1)
    printed = None
    while printed is None:  # one that comes while the processes start is lost, and whoever pressed it presses again
        if to_all:
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            printed = process.communicate(timeout=5)[1]
    assert process.returncode == 130
    assert "Traceback" not in printed and printed.rstrip().endswith(f"site: Stopped. {good} is as it was before.")
    assert files(good.parent) == {"site/inner/page.html": "good"}
