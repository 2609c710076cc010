"""Write a folder or a file whole or not at all: it is filled beside its place and moved there once complete."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

MARK = "made-by-start.txt"


class FolderError(RuntimeError):
    """A folder can't be written; the message says why and what to do."""


@contextlib.contextmanager
def written_whole(folder: Path, command: str) -> Iterator[Path]:
    """Yield an empty folder to fill, which replaces `folder` when the block ends without an exception.

    Until then, and whatever interrupts the block, `folder` stays as it is. A file in it names the command that made
    it; only a folder with this file, or an empty one, is replaced. FolderError for any other folder, or where nothing
    can be written.
    """
    draft = _beside(folder, "new")
    try:
        _make_way(folder)
        draft.mkdir(parents=True)
        try:
            write_text(draft / MARK, f"Made by `{command}`, which replaces everything in this folder.\n")
            yield draft
            _swap(draft, folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise FolderError(f"Cannot write into {folder}: {_reason(error)}.") from error


def write_text(path: Path, text: str) -> None:
    """Write a text file that is the same on every system: UTF-8, with lines that end in a line feed."""
    path.write_text(text, encoding="utf-8", newline="\n")


def write_files(contents: Mapping[Path, bytes]) -> list[Path]:
    """Write files that belong together: earlier ones stay until the content of all is written."""
    drafts = {path: _beside(path, "new") for path in contents}
    try:
        for path, content in contents.items():
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, "It is a folder", str(path))
            drafts[path].write_bytes(content)
        for path, draft in drafts.items():
            os.replace(draft, path)
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
    return [*contents]


def digest(folder: Path, without: str) -> str:
    """A fingerprint of the names and contents of all files in a folder, except those named `without`."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != without:
            content = path.read_bytes()
            found.update(f"{path.relative_to(folder).as_posix()} {len(content)}\n".encode() + content)
    return found.hexdigest()


def _beside(path: Path, purpose: str) -> Path:
    return path.with_name(f".{path.name}.{purpose}")


def _make_way(folder: Path) -> None:
    """Refuse folders that this program didn't make, and clear what a killed build left behind."""
    draft, old = _beside(folder, "new"), _beside(folder, "old")
    for left in (draft, old):
        if left.exists() and not (left / MARK).exists():
            raise FolderError(f"{left} is in the way, and this command did not make it: move it elsewhere.")
    if old.exists() and not folder.exists():
        old.rename(folder)  # killed between the two steps of a swap
    for left in (draft, old):
        shutil.rmtree(left, ignore_errors=True)
    if folder.exists() and not folder.is_dir():
        raise FolderError(f"{folder} is a file: name a folder.")
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise FolderError(f"{folder} holds files that this command did not make. Name an empty folder, or a new one.")
    if folder.exists() and not os.access(folder, os.W_OK):
        raise FolderError(f"Cannot write into {folder}: it is read-only for you. Name another folder.")


def _swap(draft: Path, folder: Path) -> None:
    """Replace the folder by the draft; put the earlier one back where that fails."""
    old = _beside(folder, "old")
    if folder.exists():
        folder.rename(old)
    try:
        draft.rename(folder)
    except BaseException:
        if old.exists():
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _reason(error: OSError) -> str:
    """The system's message, and what to do about it."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full. Make room, or name another folder"
    return f"{error.strerror or error} ({error.filename}). Name another folder"
