"""Which cells of a notebook must run so that some of them show the same as in a complete run."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Sequence

from helpers.publish.cells.running import Cell

CHANGED = {"print": 0, "compare": 0, "check": 0, "train": 1}
"""Of what these functions are handed, how many of the first arguments they may change; other calls may change all."""

Names = set[str]


def needed(cells: Sequence[Cell], wanted: Collection[str]) -> frozenset[str]:
    """The ids of the wanted cells, of the imports, and of all earlier cells that bind or change a name they use.

    What a call is handed counts as changed by it. Cells that only share a generator of random numbers without a name,
    such as PyTorch's own, don't count as related: a cell that draws from it sets its seed.
    """
    code = [(cell, ast.parse(cell.source)) for cell in cells if cell.kind == "code"]
    imported = _stored(tree for cell, tree in code if cell.slide == "skip")
    found: set[str] = set()
    names: Names = set()
    for cell, tree in reversed(code):
        if cell.slide == "skip" or cell.id in wanted or _changed(tree) & names:
            found.add(cell.id)
            names = (names - _given_anew(tree.body)) | (_read(tree.body, set()) - imported)
    return frozenset(found)


def _changed(tree: ast.Module) -> Names:
    """Names that a cell binds, and those that it may change: by assigning to a part, or by handing them to a call."""
    found = _stored([tree])
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):
            found |= _loaded([node])
        elif isinstance(node, ast.Call):
            inner = [node.func.value] if isinstance(node.func, ast.Attribute) else []
            handed = [*inner, *node.args, *(each.value for each in node.keywords)]
            found |= _loaded(handed[: CHANGED.get(node.func.id) if isinstance(node.func, ast.Name) else None])
    return found


def _given_anew(statements: Iterable[ast.stmt]) -> Names:
    """Names that the statements always bind to new values, independent of the old ones."""
    found: Names = set()
    for statement in statements:
        found |= _bound(statement) - _loaded([statement])
    return found


def _read(statements: Iterable[ast.stmt], bound: Names) -> Names:
    """Names that are used before the statements themselves bind them; names that they bind are added to `bound`."""
    found: Names = set()
    for statement in statements:
        if isinstance(statement, ast.For):
            found |= _loaded([statement.iter]) - bound
            bound |= _stored([statement.target])
            found |= _read([*statement.body, *statement.orelse], bound)
        elif isinstance(statement, ast.With):
            found |= _loaded(item.context_expr for item in statement.items) - bound
            bound |= _stored(item.optional_vars for item in statement.items if item.optional_vars)
            found |= _read(statement.body, bound)
        else:
            found |= _loaded([statement]) - bound
            bound |= _bound(statement)
    return found


def _bound(statement: ast.stmt) -> Names:
    """Names that a statement always binds for the statements after it."""
    match statement:
        case ast.Assign():
            return _stored(statement.targets)
        case ast.AnnAssign():
            return _stored([statement.target])
        case ast.FunctionDef() | ast.ClassDef():
            return {statement.name}
        case ast.Import() | ast.ImportFrom():
            return _stored([statement])
    return set()


def _loaded(nodes: Iterable[ast.AST]) -> Names:
    """Names that are used, also by functions, but not those that a comprehension or a lambda has for itself."""
    found: Names = set()
    for node in nodes:
        inside = _loaded(ast.iter_child_nodes(node))
        match node:
            case ast.Name(ctx=ast.Load()):
                inside = {node.id}
            case ast.AugAssign():
                inside |= {each.id for each in ast.walk(node.target) if isinstance(each, ast.Name)}
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                own = _stored(part.target for part in node.generators)
                inside = (inside - own) | _loaded([node.generators[0].iter])
            case ast.Lambda():
                own = {each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg)}
                inside = (inside - own) | _loaded([node.args])
        found |= inside
    return found


def _stored(nodes: Iterable[ast.AST]) -> Names:
    found: Names = set()
    for node in nodes:
        match node:
            case ast.Name(ctx=ast.Store()):
                found.add(node.id)
            case ast.FunctionDef() | ast.ClassDef():
                found.add(node.name)
            case ast.alias():
                found.add((node.asname or node.name).partition(".")[0])
        inside = [node.iter, *node.ifs] if isinstance(node, ast.comprehension) else ast.iter_child_nodes(node)
        found |= _stored(inside)
    return found
