"""The JavaScript of the course: its own unit tests, its lint and its types."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import installation
from helpers.lesson.parts import Announcer
from helpers.live import browser

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT / "node_modules" / ".bin"
OLDEST_NODE = 20
OURS = {path for path in (ROOT / "helpers").rglob("*.js") if "reveal" not in path.parts and ".min" not in path.suffixes}


def run(*command: str | Path) -> str:
    environment = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def node() -> str:
    """The node on this machine; without one the test is skipped."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("no node found: https://nodejs.org has it")
    version = subprocess.run([found, "--version"], capture_output=True, text=True).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        pytest.skip(f"node is {version}; these tests need {OLDEST_NODE} or newer")
    return found


def tool(name: str) -> Path:
    """A tool that `npm install` brings; without it the test is skipped."""
    node()
    found = TOOLS / (f"{name}.cmd" if os.name == "nt" else name)
    if not found.exists():
        pytest.skip(f"no {name}: run npm install in the course's folder")
    return found


def test_the_pure_functions() -> None:
    tests = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests" / "javascript").glob("*.test.js"))
    assert tests
    run(node(), "--test", *tests)


def test_a_machine_without_node_is_told_what_was_left_out(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-k", "pure_functions", "tests/test_javascript.py"]
    environment = {**os.environ, "PATH": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert "left out on this machine" in done.stdout, done.stdout + done.stderr
    assert "\n1 test: no node found: https://nodejs.org has it\n" in done.stdout


def test_lint_and_layout() -> None:
    run(tool("biome"), "ci", "--error-on-warnings")


def test_types() -> None:
    run(tool("tsc"))


def test_every_script_of_the_course_has_its_types_checked() -> None:
    checked = {Path(line).resolve() for line in run(tool("tsc"), "--listFilesOnly").splitlines()}
    assert {path.name for path in OURS - checked} == set()


PRIVATE_PART = re.compile(r"""(?<!this)\??\._[a-zA-Z]\w*|\[["']_[a-zA-Z]\w*|[{,]\s*_[a-zA-Z]\w*\s*[,}:]""")
"""A name that begins with `_`, as Plotly and ipywidgets write what they don't document."""


def test_private_parts_of_plotly_and_ipywidgets_stand_in_one_file_each() -> None:
    """`missingParts` and `missingOf` look for what these two files use, and say what is gone."""
    files = [path for path in OURS if path.name not in ("plotly.js", "ipywidgets.js")]
    found = {path.name: PRIVATE_PART.findall(path.read_text(encoding="utf-8")) for path in files}
    assert {name: parts for name, parts in found.items() if parts} == {}


@pytest.mark.parametrize(
    "text", ["plot._fullLayout", "plot?._fullData", "axis['_length']", "({ _id }) =>", "{a, _b: c}"]
)
def test_a_private_part_is_found(text: str) -> None:
    assert PRIVATE_PART.search(text) and not PRIVATE_PART.search("let a_b = {a: 1, _: 2}; (_, x) => this.x_y")


@pytest.mark.parametrize("text", [browser.script(), Announcer._esm], ids=["live figure", "lesson"])
def test_modules_become_one_script(text: str, tmp_path: Path) -> None:
    script = tmp_path / "script.mjs"
    script.write_text(text, encoding="utf-8")
    assert not [part for part in ("\nimport ", "/**", "\n//") if part in text]
    run(node(), "--check", script)


def test_every_module_is_carried_after_those_that_it_imports() -> None:
    files = {path.stem for path in browser.HERE.glob("*.js")}
    assert files == set(browser.MODULES)
    assert {f"live/{name}.js" for name in files} <= set(installation.BROWSER_FILES)
    for place, name in enumerate(browser.MODULES):
        text = (browser.HERE / f"{name}.js").read_text(encoding="utf-8")
        imported = {line.split('"./')[1].removesuffix('.js";') for line in text.splitlines() if '} from "./' in line}
        assert imported <= set(browser.MODULES[:place]), name
