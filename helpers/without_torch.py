"""Run the course without PyTorch, as in a browser: code that needs it says so in one sentence, everything else works.

`install` puts stand-ins in place of `torch` and of the course's modules that are built on it. They can be imported and
named; using one raises `NeedsTorch`. In a notebook, a cell that does so ends with the sentence, and the names that it
would have defined become stand-ins too, so a later cell that needs one of them ends with the same sentence.
"""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType, TracebackType
from typing import Any

MODULES = ("torch", "helpers.models", "helpers.training", "helpers.patients", "helpers.doctor")
"""The modules that don't exist in the browser, with all their submodules."""

REMEDY = "see what comes out on the course's web pages, or run the lesson on a computer with `python start.py`."
NOTICE = (
    "PyTorch does not exist in the browser. Cells that need it, to train for instance, end with a sentence: "
    + REMEDY
    + " Panels, quizzes, exercises and all that is computed in numpy work here too."
)
USES = """
    call enter exit getitem setitem delitem contains iter next len bool int float index complex str format array
    eq ne lt le gt ge add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv mod rmod pow rpow matmul rmatmul
    neg pos abs and rand or ror invert round mro_entries await
"""


class NeedsTorch(ImportError):
    """Something was used that needs PyTorch, which is missing; the message is a sentence for the reader."""

    def __init__(self, name: str) -> None:
        super().__init__(f"`{name}` needs PyTorch, which does not exist in the browser: {REMEDY}", name=name)


class Missing:
    """A stand-in for something from PyTorch: it can be named and passed on, but every use raises NeedsTorch."""

    def __init__(self, name: str) -> None:
        self._missing = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # looked up by programs that inspect objects
            raise AttributeError(name)
        raise NeedsTorch(self._missing)

    def __repr__(self) -> str:
        return str(NeedsTorch(self._missing))

    def __hash__(self) -> int:
        return id(self)


def _use(missing: Missing, *_: Any, **__: Any) -> Any:
    raise NeedsTorch(missing._missing)


for _name in USES.split():
    setattr(Missing, f"__{_name}__", _use)


class MissingModule(ModuleType):
    """A module that can be imported and in which every name is `Missing`."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Missing(f"{self.__name__}.{name}")


class _Finder(MetaPathFinder, Loader):
    """Finds stand-ins for `MODULES`."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        ours = any(fullname == module or fullname.startswith(module + ".") for module in MODULES)
        return ModuleSpec(fullname, self, is_package=True) if ours else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return MissingModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Leave the module empty: `MissingModule` has every name."""


def install() -> None:
    """Put the stand-ins in place, say so, and set how the notebook's shell, if there is one, ends such a cell."""
    if any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    sys.meta_path.insert(0, _Finder())
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None:
        print(NOTICE)
    else:
        shell.set_custom_exc((NeedsTorch,), _end_cell)
        _show_note(shell, NOTICE)


def _show_note(shell: Any, text: str) -> None:
    """Show a text beneath the cell, as formatted text instead of printed output."""
    shell.display_pub.publish({"text/plain": text, "text/markdown": f"> {text}"})


# How a cell ends


def _end_cell(shell: Any, _: type, error: NeedsTorch, trace: TracebackType, tb_offset: int | None = None) -> None:
    """Show the sentence in place of a traceback, and define the cell's remaining names as stand-ins."""
    _show_note(shell, f"This cell ends here: {error}")
    frame, line = _place(trace, shell.user_ns)
    source = "".join(linecache.getlines(frame.f_code.co_filename))
    for name in left_undone(source, line):
        shell.user_ns[name] = Missing(name)


def _place(trace: TracebackType, namespace: dict[str, Any]) -> tuple[FrameType, int]:
    """Return the cell's own frame and the line at which it stopped."""
    places = [(trace.tb_frame, trace.tb_lineno)]
    while trace.tb_next is not None:
        trace = trace.tb_next
        if trace.tb_frame.f_globals is namespace and trace.tb_frame.f_code.co_name == "<module>":
            places.append((trace.tb_frame, trace.tb_lineno))
    return places[-1]


def left_undone(source: str, line: int) -> set[str]:
    """Return the names that a cell leaves undefined or unfinished if it ends at this line."""
    body = ast.parse(source).body
    rest = [statement for statement in body if (statement.end_lineno or 0) >= line]
    bound = {name for statement in rest for name in _bound(statement)}
    begun = {name for statement in body for name in _bound(statement)}
    filled = {name for statement in rest for name in _filled(statement)}
    called = {name for statement in rest for name in _called(statement)}
    return bound | filled | (begun & called)


def _bound(node: ast.AST) -> Iterator[str]:
    """Yield the names that a statement binds in the cell."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif not isinstance(node, ast.Lambda | ast.comprehension):
        for inner in ast.iter_child_nodes(node):
            yield from _bound(inner)


def _filled(node: ast.AST) -> Iterator[str]:
    """Yield the names whose contents are assigned: `histories[key] = …`, `model.bias = …`."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Subscript | ast.Attribute) and isinstance(inner.ctx, ast.Store):
            yield from _root(inner)


def _called(node: ast.AST) -> Iterator[str]:
    """Yield the names whose methods are called, which may fill them: `losses.append(…)`."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
            yield from _root(inner.func)


def _root(node: ast.expr) -> Iterator[str]:
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id
