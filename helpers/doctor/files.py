"""Write a file of one's own: complete or not at all, and never in place of what is no file."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def refuse_unfit(path: str | Path) -> Path:
    """Return the file that a path leads to, through links.

    Raises TypeError if it is no path, FileNotFoundError if its folder doesn't exist, and ValueError if it is empty or
    leads to something that is no regular file: a folder, a device, a pipe.
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"path must be a string or a Path; got {type(path).__name__}")
    if not str(path):
        raise ValueError("path is empty: name a file")
    file = Path(path).resolve()
    if file.exists() and not file.is_file():
        kind = "a folder: name a file in it" if file.is_dir() else "no regular file: name another"
        raise ValueError(f"path is {str(path)!r}, which is {kind}")
    if not file.parent.is_dir():
        raise FileNotFoundError(
            f"path is {str(path)!r}; the folder {str(Path(path).parent)!r} doesn't exist: make it first"
        )
    return file


def write_whole(path: str | Path, text: str) -> Path:
    """Write a text to a file and return its path; an existing file keeps its mode, and its contents on an error.

    Raises what `refuse_unfit` does, and another OSError, with this path, if the file can't be written.
    """
    file = refuse_unfit(path)
    half = file.with_name(f".{file.name}.{os.getpid()}.part")  # keeps an existing file until this one is complete
    try:
        half.write_text(text, encoding="utf-8")
        if file.exists():
            shutil.copymode(file, half)
        half.replace(file)
    except OSError as problem:
        raise OSError(problem.errno, problem.strerror, str(path)) from None
    finally:
        half.unlink(missing_ok=True)
    return Path(path)
