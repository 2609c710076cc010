"""The folder `locks` names every package that is installed, in the versions asked for, each with its checksums."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from helpers import runtime
from tools import renew_locks

LOCKS = renew_locks.LOCKS
FILES = sorted(LOCKS.glob("*.txt"))
PACKAGE = re.compile(
    r"^([\w.-]+)==(\S+)(?: ; ([^\\\n]+))? \\\n((?: +--hash=sha256:[0-9a-f]{64}(?: \\\n|\n))+)", re.MULTILINE
)


def locked(name: str, here: bool = False) -> dict[str, str]:
    """The version of each package in a lock file; with `here`, of those that this Python and platform get."""
    found = PACKAGE.findall((LOCKS / f"{name}.txt").read_text(encoding="utf-8"))
    return {package: version for package, version, marker, _ in found if not here or not marker or evaluate(marker)}


def evaluate(marker: str) -> bool:
    return Marker(marker).evaluate()


def test_the_files_are_those_that_the_tool_writes() -> None:
    assert {file.stem for file in FILES} == set(renew_locks.FILES)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_holds_pinned_packages_with_checksums_and_no_address(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    rest = re.sub(r"^ *#.*\n", "", PACKAGE.sub("", text), flags=re.MULTILINE)
    assert rest == "", "every line belongs to a package with checksums"
    assert "://" not in text and not re.search(r"[\s=]/\w", text), "no registry and no path of a machine"


def test_every_package_asked_for_is_locked_in_its_version() -> None:
    extras = tomllib.loads((renew_locks.ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    tools = [Requirement(pin) for pin in extras["test"] + extras["hub"] if "==" in pin]
    course = {canonicalize_name(name): version for name, version in runtime.pins().items()}
    tests = {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in tools}
    torch = {"torch": course.pop(canonicalize_name("torch"))}
    assert locked("torch") == torch
    assert course.items() <= locked("course").items()
    assert (course | tests).items() <= locked("test").items()
    assert "setuptools" in locked("course"), "it installs the course itself, without asking the network"


def test_a_package_has_one_version_whether_or_not_the_test_tools_are_there() -> None:
    assert locked("course", here=True).items() <= locked("test", here=True).items()


def test_nothing_is_missing_from_the_locks() -> None:
    """What the packages that are installed here ask for is locked itself, so that `--no-deps` leaves nothing out."""
    names = locked("test", here=True).keys() | locked("torch").keys() | locked("cuda", here=True).keys()
    installed = [name for name in names if found(name)]
    assert len(installed) > 100
    wanted = {
        canonicalize_name(requirement.name)
        for name in installed
        for requirement in map(Requirement, metadata.requires(name) or [])
        if not requirement.marker or requirement.marker.evaluate({"extra": ""})
    }
    assert wanted <= names


def found(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def test_what_only_cuda_needs_stands_apart() -> None:
    assert {"triton", "nvidia-cublas"} <= locked("cuda").keys()
    assert not any(renew_locks.FOR_CUDA.match(f"{name}==") for name in locked("test") | locked("course"))


def test_the_image_of_a_hub_gets_its_jupyterhub_and_leaves_the_courses_packages_as_they_are() -> None:
    wanted = runtime.pins(renew_locks.ROOT / "hub/requirements.txt")
    assert wanted.keys() == {"jupyterhub"} and wanted.items() <= locked("hub").items()
    assert not locked("hub").keys() & (locked("course").keys() | {"torch"})


# The tool that writes them


PAGE = """
<a href="/whl/cpu/torch-9.1%2Bcpu-cp311-cp311-manylinux_2_28_x86_64.whl#sha256=aa11">torch</a>
<a href="/whl/cpu/torch-9.1%2Bcpu-cp313-cp313t-manylinux_2_28_x86_64.whl#sha256=aa22">torch, no lock around Python</a>
<a href="/whl/cpu/torch-9.1%2Bcpu-cp312-cp312-win_amd64.whl#sha256=aa33">torch</a>
<a href="/whl/cpu/torch-9.0%2Bcpu-cp311-cp311-manylinux_2_28_x86_64.whl#sha256=bb11">an earlier torch</a>
<a href="/whl/cpu/torch-9.1-cp311-cp311-macosx_14_0_arm64.whl#sha256=cc11">the build that PyPI has too</a>
"""


def test_the_builds_for_the_processor_are_read_from_their_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "page.html").write_text(PAGE)
    monkeypatch.setattr(renew_locks, "CPU_INDEX", (tmp_path / "page.html").as_uri())
    lock = renew_locks.with_cpu_builds("torch==9.1 \\\n    --hash=sha256:cc11\n    # via -r requirements.txt\n")
    assert re.findall("sha256:(....)", lock) == ["aa11", "aa33", "cc11"]


def test_without_the_index_the_checksums_of_the_same_version_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renew_locks, "CPU_INDEX", (tmp_path / "nothing.html").as_uri())
    monkeypatch.setattr(renew_locks, "LOCKS", tmp_path)
    (tmp_path / "torch.txt").write_text("torch==9.1 \\\n    --hash=sha256:aa11 \\\n    --hash=sha256:cc11\n")
    lock = renew_locks.with_cpu_builds("torch==9.1 \\\n    --hash=sha256:cc11\n")
    assert re.findall("sha256:(....)", lock) == ["aa11", "cc11"]
    with pytest.raises(SystemExit, match=r"No build of torch 9\.2 for the processor is known: run this where"):
        renew_locks.with_cpu_builds("torch==9.2 \\\n    --hash=sha256:dd11\n")
