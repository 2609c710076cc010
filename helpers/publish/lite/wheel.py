"""The course as a wheel for the browser: `helpers`, `data`, and a substitute for `torch` that says there is none."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from helpers.course import notebooks
from helpers.runtime import pins

ROOT = Path(__file__).resolve().parents[3]
TORCH = Path(__file__).with_name("torch.py")
NAME, VERSION = "where_did_the_gradient_go", "1.0.0"
FILE_NAME = f"{NAME}-{VERSION}-py3-none-any.whl"
LEFT_OUT = {"__pycache__", "publish", "network.webp", "teacher"}
MOMENT = (2020, 1, 1, 0, 0, 0)  # the same in every build


def write_wheel(folder: Path, versions: Mapping[str, str]) -> Path:
    """Write the wheel into `folder` and return its path; `versions` are those of the packages in the browser."""
    path = folder / FILE_NAME
    information = f"{NAME}-{VERSION}.dist-info"
    contents = {file.relative_to(ROOT).as_posix(): file.read_bytes() for file in _files()}
    wanted = pins()
    asked = "".join(f"{name}=={versions[name]}\n" for name in wanted if name in versions)
    contents["requirements.txt"] = asked.encode()  # lesson 00 checks the installation against it
    contents["torch.py"] = TORCH.read_bytes()
    contents[f"{information}/METADATA"] = f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {VERSION}\n".encode()
    contents[f"{information}/WHEEL"] = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    contents[f"{information}/RECORD"] = "".join(f"{name},,\n" for name in contents).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name, MOMENT), content, zipfile.ZIP_DEFLATED)
    return path


def _files() -> Iterator[Path]:
    for top in ("helpers", "data"):
        for path in sorted((ROOT / top).rglob("*")):
            if path.is_file() and not LEFT_OUT & set(path.relative_to(ROOT).parts):
                yield path
    yield from notebooks().values()  # the map of the course looks up which lessons exist
