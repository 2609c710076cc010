"""Compute, figures and widgets are layers: a module of `helpers` imports only from those below it."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HELPERS = ROOT / "helpers"
WIDGETS = {"numpy", "plotly", "ipywidgets", "anywidget", "traitlets", "IPython"}
MAY_IMPORT = {  # from low to high: the packages besides the standard library
    "course": set(),
    "without_torch": set(),
    "runtime": set(),
    "virtual_environment": set(),
    "arrays": {"numpy"},
    "checks": {"numpy"},
    "words": set(),
    "norms": {"numpy"},
    "normalization": {"numpy"},
    "losses": {"numpy"},
    "activations": {"numpy"},
    "theory": {"numpy"},
    "datasets": {"numpy"},
    "network": {"numpy"},
    "jacobians": {"numpy"},
    "residual": {"numpy"},
    "recurrent": {"numpy"},
    "adversarial": {"numpy"},
    "clipping": {"numpy"},
    "picture": {"numpy"},
    "games": {"numpy", "tqdm"},
    "opponents": {"numpy"},
    "installation": {"numpy"},
    "models": {"numpy", "torch"},
    "training": {"numpy", "torch", "tqdm"},
    "patients": {"torch"},
    "progress": {"numpy", "platformdirs"},
    "quiz": {"numpy", "fastjsonschema", "fsrs"},
    "exercises": {"numpy"},
    "classroom": set(),
    "theme": {"numpy", "plotly"},
    "figures": {"numpy", "plotly"},
    "live": WIDGETS,
    "lesson": WIDGETS,
    "panels": WIDGETS,
    "doctor": {"numpy", "torch", "lightning", "pytorch_lightning", "transformers"},
    "notebook": set(),
    "server": {"jupyter_server", "tornado", "traitlets"},
    "publish": WIDGETS | {"genanki", "latex2mathml", "nbconvert", "pygments", "tornado", "tqdm", "voila"},
}
ONLY_IN_FUNCTIONS = {  # where it shows what it found: never loaded with the module
    "doctor": {"plotly", "IPython"},
}
ON_ITS_OWN = {"doctor"}  # a package of its own too: it imports nothing of the course
CIRCLES: set[frozenset[str]] = set()  # circles of modules that are still there; none may be added
ORDER = list(MAY_IMPORT)
THAT_LOAD_TORCH = {module for module, packages in MAY_IMPORT.items() if "torch" in packages}
FILES = [path.relative_to(HELPERS) for path in sorted(HELPERS.rglob("*.py")) if path != HELPERS / "__init__.py"]
PRESENT = sorted({path.with_suffix("").parts[0] for path in FILES})  # a module is a file or a folder


@dataclass(frozen=True)
class Import:
    """One imported name; `lazy` where it is not loaded together with the module that names it."""

    name: str
    lazy: bool


def source_of(node: ast.ImportFrom, package: str) -> str:
    """The full name of the module from which a module of `package` imports."""
    parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
    return ".".join(filter(None, [*parents, node.module]))


def imports(node: ast.AST, package: str = "helpers", lazy: bool = False) -> Iterator[Import]:
    """All imports beneath a node of a module in `package`, as full names: `helpers.theory`, `numpy.typing`."""
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.Import):
            yield from (Import(alias.name, lazy) for alias in inner.names)
        elif isinstance(inner, ast.ImportFrom):
            source = source_of(inner, package)
            if source == "helpers":
                yield from (Import(f"helpers.{alias.name}", lazy) for alias in inner.names)
            else:
                yield Import(source, lazy)
        elif isinstance(inner, ast.If) and "TYPE_CHECKING" in ast.unparse(inner.test):
            yield from imports(inner, package, lazy=True)
        else:
            is_function = isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from imports(inner, package, lazy or is_function)


def problems(module: str, source: str, package: str = "helpers") -> list[str]:
    """The imports of a module of `helpers`, which lies in `package`, that its place in the order forbids."""
    if module not in ORDER:
        return [f"{module} has no place in the order"]
    found = []
    for each in imports(ast.parse(source), package):
        top, _, rest = each.name.partition(".")
        if {top, ".".join(each.name.split(".")[:2])} & ONLY_IN_FUNCTIONS.get(module, set()):
            if not each.lazy:
                found.append(f"{module} loads {each.name}: import it where it is used")
            continue
        if top == "helpers":
            below = rest.partition(".")[0]
            if below == module and (HELPERS / module).is_dir():
                continue  # another part of the same module
            if module in ON_ITS_OWN:
                found.append(f"{module} imports helpers.{below}, which is not its own")
                continue
            if below not in ORDER[: ORDER.index(module)]:
                found.append(f"{module} imports helpers.{below}, which is not below it")
            elif below in THAT_LOAD_TORCH and module not in THAT_LOAD_TORCH and not each.lazy:
                found.append(f"{module} loads torch through helpers.{below}: import it where it is used")
        elif top not in sys.stdlib_module_names and top not in MAY_IMPORT[module]:
            found.append(f"{module} imports {top}")
    return found


@pytest.mark.parametrize("path", FILES, ids=str)
def test_module_imports_only_what_its_place_allows(path: Path) -> None:
    package = ".".join(["helpers", *path.parts[:-1]])
    assert problems(path.with_suffix("").parts[0], (HELPERS / path).read_text(encoding="utf-8"), package) == []


def test_package_itself_stays_nearly_empty() -> None:
    found = list(imports(ast.parse((HELPERS / "__init__.py").read_text(encoding="utf-8"))))
    assert [each.name for each in found] == ["__future__", "os"]


# No circles: module by module, imports in functions and those for type checking counted


def sources(folder: Path) -> dict[str, str]:
    """The source of every module of the package in this folder, by its full name."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = [folder.name, *path.relative_to(folder).with_suffix("").parts]
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text(encoding="utf-8")
    return found


def imported_modules(source: str, modules: Iterable[str], package: str) -> set[str]:
    """Which of these modules a source of `package` imports: `from a.b import c` is a.b.c where that is a module."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            origin = source_of(node, package)
            names = {f"{origin}.{alias.name}" for alias in node.names}
            found |= names & set(modules) or {origin}
    return found & set(modules)


def circles(modules: Mapping[str, str]) -> set[frozenset[str]]:
    """Modules that import each other, straight or by way of others: all of them from which one comes back to itself."""
    folders = {name.rpartition(".")[0] for name in modules}
    direct = {
        name: imported_modules(source, modules, name if name in folders else name.rpartition(".")[0]) - {name}
        for name, source in modules.items()
    }
    reached = {name: set(names) for name, names in direct.items()}
    for middle in reached:
        for name in reached:
            if middle in reached[name]:
                reached[name] |= reached[middle]
    return {
        frozenset(other for other in reached[name] if name in reached[other])
        for name in reached
        if name in reached[name]
    }


def test_no_modules_import_each_other() -> None:
    assert circles(sources(HELPERS)) == CIRCLES


def test_imports_name_the_module_itself_but_in_the_doctor() -> None:
    """The doctor is a package of its own too, under another name: within it imports are relative, and nothing else."""
    for name, source in sources(HELPERS).items():
        nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
        if name.startswith("helpers.doctor"):
            assert all(node.level == 1 for node in nodes if not node.module or "helpers" in node.module), name
            assert not any(node.level > 1 for node in nodes), name
        else:
            assert not any(node.level for node in nodes), name


@pytest.mark.parametrize(
    "back",
    [
        "from p.a import x",
        "import p.a",
        "from p import a",
        "def f():\n    from p.a import x",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from p.a import x",
    ],
)
def test_a_circle_is_found(back: str) -> None:
    modules = {"p": "", "p.a": "from p.b import y", "p.b": "from p.c import z", "p.c": back, "p.d": "from p import a"}
    assert circles(modules) == {frozenset({"p.a", "p.b", "p.c"})}
    assert circles(modules | {"p.c": "import math"}) == set()


def loaded_by(modules: list[str]) -> set[str]:
    """The packages that a fresh Python has loaded once it has imported these modules."""
    program = f"import {', '.join(modules)}, sys; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    return set(subprocess.check_output([sys.executable, "-c", program], cwd=HELPERS.parent, text=True).split())


def test_panels_load_no_torch() -> None:
    loaded = loaded_by(["helpers.panels"])
    assert {"plotly", "ipywidgets", "helpers"} <= loaded
    assert "torch" not in loaded


def test_nothing_but_training_loads_torch() -> None:
    modules = [f"helpers.{module}" for module in PRESENT if module not in THAT_LOAD_TORCH]
    assert "torch" not in loaded_by(modules)


def test_compute_loads_neither_plotly_nor_widgets() -> None:
    compute = [module for module in PRESENT if module in ORDER[: ORDER.index("theme")]]
    loaded = loaded_by([f"helpers.{module}" for module in compute if module not in THAT_LOAD_TORCH])
    assert "numpy" in loaded
    assert loaded.isdisjoint({"plotly", "ipywidgets", "anywidget", "IPython", "torch"})


def test_the_doctor_loads_neither_plotly_nor_widgets() -> None:
    loaded = loaded_by(["helpers.doctor"])
    assert "torch" in loaded
    assert loaded.isdisjoint({"plotly", "ipywidgets", "anywidget", "IPython"})


def test_figures_load_no_widgets() -> None:
    loaded = loaded_by(["helpers.figures"])
    assert "plotly" in loaded
    assert loaded.isdisjoint({"ipywidgets", "anywidget"})


# Layout


def kept_from_the_formatter(source: str) -> list[str]:
    """The comments of a source that keep ruff from laying out a part of it."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = [token.string for token in tokens if token.type == tokenize.COMMENT]
    return [comment for comment in comments if re.match(r"#\s*(fmt|yapf)\s*:", comment)]


def test_ruff_lays_out_every_line() -> None:
    paths = [path for folder in ("helpers", "tests", "tools") for path in (ROOT / folder).rglob("*.py")]
    sources = {str(path): path.read_text(encoding="utf-8") for path in [*paths, ROOT / "start.py"]}
    assert [name for name, source in sources.items() if kept_from_the_formatter(source)] == [], "reshape the code"


def test_a_comment_for_the_formatter_is_found() -> None:
    source = "x = [\n  1,2,\n]  # fmt: skip\ny = '# fmt: off'  # fmtless\n# fmt:off\n"
    assert kept_from_the_formatter(source) == ["# fmt: skip", "# fmt:off"]


# The check itself


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        ("theory", "from helpers.network import NetworkSpec", "theory imports helpers.network, which is not below it"),
        ("theory", "from helpers import activations, panels", "theory imports helpers.panels, which is not below it"),
        ("theory", "from .network import NetworkSpec", "theory imports helpers.network, which is not below it"),
        ("games", "from . import games", "games imports helpers.games, which is not below it"),
        ("network", "import numpy, plotly.graph_objects as go", "network imports plotly"),
        ("exercises", "def f():\n    import ipywidgets", "exercises imports ipywidgets"),
        ("figures", "try:\n    import ipywidgets\nexcept ImportError:\n    pass", "figures imports ipywidgets"),
        ("panels", "def f():\n    import torch", "panels imports torch"),
        ("network", "import scipy.special", "network imports scipy"),
        ("panels", "from helpers.training import train", "panels loads torch through helpers.training"),
        ("panels", "class A:\n    from helpers import models", "panels loads torch through helpers.models"),
        ("doctor", "from helpers.figures import line", "doctor imports helpers.figures, which is not its own"),
        ("doctor", "def f():\n    from ..theory import x", "doctor imports helpers.theory, which is not its own"),
        ("doctor", "import plotly.graph_objects", "doctor loads plotly.graph_objects: import it where it is used"),
        (
            "panels",
            "def f():\n    from helpers.doctor import watch",
            "panels imports helpers.doctor, which is not below",
        ),
        (
            "figures",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from helpers.panels import Panel",
            "figures imports helpers.panels, which is not below it",
        ),
        ("utilities", "import numpy", "utilities has no place in the order"),
    ],
)
def test_what_is_forbidden_is_found(module: str, source: str, complaint: str) -> None:
    (found,) = problems(module, source, f"helpers.{module}" if module in ON_ITS_OWN else "helpers")
    assert found.startswith(complaint)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("theory", "import math\nimport numpy as np\nfrom helpers.activations import Activation"),
        ("training", "import torch\nfrom tqdm.auto import tqdm\nfrom helpers.models import MLP"),
        ("panels", "def train():\n    from helpers.training import train"),
        ("doctor", "from .readings import Finding\ndef show():\n    import plotly.graph_objects as go"),
        ("figures", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from helpers.training import History"),
    ],
)
def test_what_is_allowed_passes(module: str, source: str) -> None:
    assert problems(module, source, f"helpers.{module}" if module in ON_ITS_OWN else "helpers") == []
