"""Renews the folder `locks` after a change in requirements.txt or pyproject.toml: `python -m tools.renew_locks`.

The files name every package that is installed, in one version for each platform and Python of the README, with the
checksums of its wheels.

Packages stay at the version they have until `--upgrade` is given. This needs `pip install uv==0.13.9`, and the network.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "locks"
OLDEST_PYTHON = "3.11"
PUBLIC_INDEX = "https://pypi.org/simple"
CPU_INDEX = "https://download.pytorch.org/whl/cpu/torch/"
FOR_CUDA = re.compile(r"nvidia-|cuda-|triton==")  # packages that torch needs on Linux, unless it is built without CUDA
CPU_WHEEL = (
    r"torch-{version}(?:%2B|\+)cpu-cp3\d+-cp3\d+-"
    r"(?:manylinux\w+_(?:x86_64|aarch64)|win_amd64)\.whl#sha256=([0-9a-f]+)"
)
FILES = {
    "test": "The packages of course.txt together with those of the tests.",
    "course": "All packages of the course but torch, and what installs the course itself.",
    "torch": "The builds of torch on PyPI, and those for the processor on PyTorch's own index.",
    "cuda": "What torch needs besides on Linux where it is built for NVIDIA cards.",
    "hub": "What a learner's server on a hub needs besides the course: hub/Dockerfile installs it.",
}
HEADER = "# Written by `python -m tools.renew_locks`, from requirements.txt and pyproject.toml.\n"


def main(arguments: list[str]) -> int:
    """Write all lock files."""
    parser = argparse.ArgumentParser(prog="python -m tools.renew_locks", description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that requirements.txt allows")
    options = parser.parse_args(arguments)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    to_build = project["build-system"]["requires"]
    tools = [pin for pin in extras["test"] + extras["hub"] if "==" in pin]
    LOCKS.mkdir(exist_ok=True)
    resolve("test", [*to_build, *tools], [], options.upgrade)
    alone = resolve("course", to_build, [f"--constraint={LOCKS / 'test.txt'}"], options.upgrade)
    (torch,) = (block for block in alone if block.startswith("torch=="))
    write("torch", with_cpu_builds(torch))
    write("cuda", "".join(block for block in alone if FOR_CUDA.match(block)))
    in_course = {name_of(block) for block in alone}
    on_hub = ["hub/requirements.txt", f"--constraint={LOCKS / 'course.txt'}"]
    with_hub = resolve("hub", to_build, on_hub, options.upgrade)
    write("hub", "".join(block for block in with_hub if name_of(block) not in in_course))
    return 0


def resolve(name: str, more: list[str], options: list[str], upgrade: bool) -> list[str]:
    """Write the lock file `name` for requirements.txt and the lines `more`, without torch and packages for CUDA.

    Returns all packages, including those, as one block of text each. Versions are kept, unless `upgrade`.
    """
    known = [LOCKS / f"{file}.txt" for file in (name, "torch", "cuda")]
    draft = LOCKS / "draft.txt"  # uv keeps the versions that are in its output file
    kept = "" if upgrade else "".join(path.read_text(encoding="utf-8") for path in known if path.exists())
    draft.write_text(re.sub(r" \\\n +--hash=\S+", "", kept), encoding="utf-8")  # uv fetches the checksums again
    words = ["--universal", "--generate-hashes", "--only-binary=:all:", "--no-config", "--no-header", "--quiet"]
    where = [f"--python-version={OLDEST_PYTHON}", f"--default-index={PUBLIC_INDEX}", f"--output-file={draft}"]
    command = [sys.executable, "-m", "uv", "pip", "compile", *words, *where, *options, "requirements.txt", "-"]
    try:
        subprocess.run(command, cwd=ROOT, input="\n".join(more), text=True, check=True)
        text = draft.read_text(encoding="utf-8")
    except subprocess.CalledProcessError as error:
        sys.exit(f"uv could not resolve the packages (status {error.returncode}); see above for the reasons.")
    finally:
        draft.unlink()
    packages = re.split(r"^(?=\w)", text, flags=re.MULTILINE)[1:]
    write(name, "".join(block for block in packages if not re.match(rf"torch==|{FOR_CUDA.pattern}", block)))
    return packages


def name_of(block: str) -> str:
    """The name of the package in a block of a lock file."""
    return block.partition("==")[0]


def with_cpu_builds(torch: str) -> str:
    """The lock of torch, with the checksums of the builds for the processor added.

    They come from PyTorch's index. If it can't be reached, those in the present file for the same version are kept.
    """
    version = torch.partition(" ")[0].partition("==")[2]
    try:
        with urllib.request.urlopen(CPU_INDEX, timeout=30) as page:
            hashes = re.findall(CPU_WHEEL.replace("{version}", re.escape(version)), page.read().decode())
    except (urllib.error.URLError, TimeoutError) as error:
        print(f"{CPU_INDEX} can't be reached ({error}): the present checksums are kept.")
        present = (LOCKS / "torch.txt").read_text(encoding="utf-8") if (LOCKS / "torch.txt").exists() else ""
        hashes = re.findall(r"sha256:([0-9a-f]+)", present) if f"torch=={version} " in present else []
    known = re.findall(r"sha256:([0-9a-f]+)", torch)
    new = sorted(set(hashes) - set(known))
    if not new:
        sys.exit(f"No build of torch {version} for the processor is known: run this where {CPU_INDEX} can be reached.")
    lines = "".join(f" \\\n    --hash=sha256:{digest}" for digest in sorted([*known, *new]))
    return f"torch=={version}{lines}\n"


def write(name: str, packages: str) -> None:
    """Write one lock file."""
    (LOCKS / f"{name}.txt").write_text(f"# {FILES[name]}\n{HEADER}{packages}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
