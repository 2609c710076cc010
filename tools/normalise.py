"""Normalises notebooks: `python -m tools.normalise [--check] [--run] [NOTEBOOK …]`.

Git keeps only what somebody wrote, and the few outputs that a test compares. Everything else would make diffs
unreadable.
"""

from __future__ import annotations

import argparse
import ast
import base64
import json
import multiprocessing
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
from IPython.lib.pretty import pretty

from helpers.publish.cells.deeper import DEEPER, FOLDED, deeper_cells, title_of
from helpers.publish.cells.running import EXERCISE, HIDE_INPUT, IMPORT, Outcome, divided, notebook_shell
from tools.import_cell import course_address, import_cell

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS, DATA = ROOT / "notebooks", ROOT / "data"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
CHECKED = "nbval-check-output"  # nbval compares the outputs of the cells with this tag
STILL = "still"  # a cell with this tag has a picture of what it will show as its output until it is run
SHOW = {"panels", "figures", "lesson", "predict", "quiz", "check", "timeline"}  # calls of these only show something
IMPORTS_FOLDED = {"jupyter": {"source_hidden": True}, "cellView": "form"}  # in JupyterLab and Notebook, and in Colab
SPEAKING_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
MACHINE_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]+)*")

Node = Any  # a dictionary with attributes, as nbformat reads it


def normalised(text: str) -> str:
    """The text of a notebook, normalised."""
    notebook = nbformat.reads(text, as_version=4)
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL})
    notebook.nbformat_minor = 5
    notebook.cells = [cell for cell in notebook.cells if cell.source.strip()]
    count = 0
    deeper = deeper_cells((cell.cell_type, cell.source) for cell in notebook.cells)
    for cell, is_deeper in zip(notebook.cells, deeper, strict=True):
        cell.source = cell.source.rstrip()
        cell.metadata = kept_metadata(cell, is_deeper)
        if cell.cell_type == "code":
            count += 1
            tags = cell.metadata.get("tags", [])
            is_checked = CHECKED in tags
            cell.outputs = kept_outputs(cell.outputs, count) if is_checked else still() if STILL in tags else []
            # nbval compares the outputs of cells that have a count, and refuses outputs without one
            cell.execution_count = count if is_checked or STILL in tags else None
    return str(nbformat.writes(notebook)).rstrip("\n") + "\n"


def kept_metadata(cell: Node, is_deeper: bool = False) -> Node:
    """The tags and slide type of a cell, and the metadata that folds it.

    Tags that follow from a cell's code or position are set anew; imports and headings of *Go deeper* are folded.
    """
    own = {tag for tag in cell.metadata.get("tags", []) if tag not in (HIDE_INPUT, EXERCISE, DEEPER)}
    tags = sorted({*own, *shown_tags(cell), *([DEEPER] if is_deeper else [])})
    slide_type = cell.metadata.get("slideshow", {}).get("slide_type")
    kept: dict[str, Any] = {"tags": tags} if tags else {}
    kept |= {"slideshow": {"slide_type": slide_type}} if slide_type else {}
    kept |= IMPORTS_FOLDED if cell.cell_type == "code" and IMPORT in cell.source else {}
    kept |= {FOLDED: True} if cell.cell_type == "markdown" and title_of(cell.source) else {}
    return nbformat.from_dict(kept)


def shown_tags(cell: Node) -> list[str]:
    """`exercise` for a cell that checks the learner's code, `hide-input` for one whose calls only show something."""
    if cell.cell_type != "code":
        return []
    _, source = divided(cell.source)
    called = [_called(node.func) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    if not called or not set(called) <= SHOW:
        return []
    return [EXERCISE if "check" in called else HIDE_INPUT]


def _called(function: ast.expr) -> str:
    """The first name in a call: `panels` in `panels.relu()`."""
    while isinstance(function, ast.Attribute):
        function = function.value
    return function.id if isinstance(function, ast.Name) else ""


def kept_outputs(outputs: list[Node], count: int) -> list[Node]:
    """The text outputs of a cell, with everything printed in one piece."""
    kept: list[Node] = []
    for output in outputs:
        if output.output_type == "stream" and output.name == "stdout":
            if kept and kept[-1].output_type == "stream":
                kept[-1].text += output.text
            else:
                kept.append(output)
        elif output.output_type == "execute_result" and "text/plain" in output.data:
            data = {"text/plain": output.data["text/plain"]}
            kept.append(nbformat.v4.new_output("execute_result", data, execution_count=count))
    return kept


def still() -> list[Node]:
    """The still picture of a network, as the output of a cell."""
    image = base64.b64encode((DATA / "network.png").read_bytes()).decode("ascii")
    words = (
        "A network of 40 sigmoid layers. The light is the gradient. "
        "It starts at the loss and fades out before the first layer."
    )
    return [nbformat.v4.new_output("display_data", {"image/png": image, "text/plain": words})]


def unspeaking_ids(text: str) -> list[str]:
    """The ids of cells that are not lower-case words joined by hyphens, or that occur twice."""
    ids = [cell.get("id", "(none)") for cell in json.loads(text)["cells"]]  # nbformat would replace them by random ones
    return [id for id in ids if not SPEAKING_ID.fullmatch(id) or MACHINE_ID.fullmatch(id) or ids.count(id) > 1]


def with_import_cell(text: str, address: str) -> str:
    """The notebook with a first code cell that finds or fetches the course and imports the names used."""
    notebook = nbformat.reads(text, as_version=4)
    first, *others = [cell for cell in notebook.cells if cell.cell_type == "code"] or [None]
    if first is not None and "from helpers" in first.source:
        imports, rest = divided(first.source)
        own = [rest] if imports and rest else []
        first.source = "\n\n".join([import_cell([*own, *(cell.source for cell in others)], address), *own])
    return str(nbformat.writes(notebook)).rstrip("\n") + "\n"


def run(text: str, folder: Path) -> str:
    """Run a notebook from top to bottom and return its text with the outputs; the user's own record isn't touched.

    It runs in a process of its own, like a kernel, so that no other notebook's settings (seeds, threads) affect it.
    """
    context = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home,
        ProcessPoolExecutor(1, context) as pool,
    ):
        return pool.submit(_run, text, folder, home).result()


def _run(text: str, folder: Path, home: str) -> str:
    os.environ["GRADIENT_COURSE_HOME"] = home
    notebook = nbformat.reads(text, as_version=4)
    with notebook_shell(folder) as shell:
        for cell in notebook.cells:
            if cell.cell_type == "code":
                outcome = shell.run(cell.source)
                if outcome.error is not None:
                    raise RuntimeError(f"cell {cell.id}: {outcome.error!r}")
                cell.outputs = list(_outputs(outcome))
    return str(nbformat.writes(notebook))


def _outputs(outcome: Outcome) -> Iterator[Node]:
    """The output that a cell printed, and the value of its last line as a kernel formats it."""
    if outcome.text:
        yield nbformat.v4.new_output("stream", name="stdout", text=outcome.text)
    if outcome.value is not None:
        yield nbformat.v4.new_output("execute_result", {"text/plain": pretty(outcome.value)})


def main(arguments: list[str]) -> int:
    """Normalises the notebooks named, or all; with --check it only says which are not normalised."""
    parser = argparse.ArgumentParser(prog="python -m tools.normalise", description=main.__doc__)
    parser.add_argument(
        "--check", action="store_true", help="change nothing, end with status 1 where something differs"
    )
    parser.add_argument("--run", action="store_true", help="run the notebooks first, and keep the checked outputs anew")
    parser.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK")
    options = parser.parse_args(arguments)
    complaints = 0
    for path in options.notebooks or sorted(NOTEBOOKS.glob("*.ipynb")):
        text = path.read_text(encoding="utf-8")
        if bad := unspeaking_ids(text):
            print(f"{path}: give each of these cells a descriptive id of its own: {', '.join(bad)}")
            complaints += 1
            continue
        text_with_imports = with_import_cell(text, course_address())
        wanted = normalised(run(text_with_imports, path.parent) if options.run else text_with_imports)
        if text == wanted:
            continue
        if options.check:
            print(f"{path}: not normalised, run `python -m tools.normalise {path}`")
            complaints += 1
        else:
            path.write_text(wanted, encoding="utf-8", newline="\n")
            print(f"{path}: normalised")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
