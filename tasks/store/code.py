"""A digest of the code that computes a step, so that nobody has to remember to raise a version.

It covers every module of the step's package, and of our other modules just the definitions that these use, directly or
not, and the statements that act when such a module is imported: as syntax trees without docstrings, so that comments,
docstrings and layout may change freely. What decides no number is left out: the ledger, errors, progress, and the
step's door (`task.py`), which hands over inputs that are in the step key anyway.

A digest says that something has changed; `code_parts` says what.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The folder that holds our packages, in a checkout as when installed."""
OURS = ("tasks", "expectations")
DECIDES_NOTHING = ("tasks.store", "tasks.errors", "tasks.home", "tasks.progress", "tasks.door")
DOOR = "task.py"
ACTIONS = "*"
"""Stands for what a module does on import besides defining names."""


@cache
def code_digest(package: str) -> str:
    """SHA-256, hex, over the code that computes the result of `package`."""
    parts = {_module_name(path): _content(path) for path in _files(package)}
    parts |= {f"{module}:{name}": source for (module, name), source in _used_definitions(package).items()}
    digest = hashlib.sha256()
    for name in sorted(parts):
        digest.update(name.encode() + b"\0" + parts[name] + b"\0")
    return digest.hexdigest()


@cache
def code_parts(package: str) -> dict[str, str]:
    """All that `code_digest` covers, part by part: of each the first 16 digits of its SHA-256, by name.

    Parts are every file of the package, as ``path``, and every definition, as ``path:name``: those at the top of its
    modules, and what is used of other modules. Digests of the code differ if and only if parts do.
    """
    parts = {_module_name(path): _content(path) for path in _files(package)}
    for path in _files(package):
        if path.suffix == ".py":
            parts |= {f"{_module_name(path)}:{name}": source for name, source in _own_definitions(path).items()}
    for (module, name), source in _used_definitions(package).items():
        # What a name stands for inside a function is no part, but a module that is used whole is, even an empty one.
        if source or not name:
            parts[f"{_module_name(_path(module))}:{name}".removesuffix(":")] = source
    return {name: hashlib.sha256(source).hexdigest()[:16] for name, source in parts.items()}


def _own_definitions(path: Path) -> dict[str, bytes]:
    """The statements that define each name at the top of a module; all others, imports too, under `ACTIONS`."""
    definitions: dict[str, bytes] = {}
    for statement in _tree(path).body:
        is_import = isinstance(statement, ast.Import | ast.ImportFrom)
        for name in ([] if is_import else _defined_names(statement)) or [ACTIONS]:
            definitions[name] = definitions.get(name, b"") + ast.dump(statement).encode()
    return definitions


def _files(package: str) -> list[Path]:
    """Every file of a package, templates and style sheets too; of a plain module just that."""
    folder = ROOT.joinpath(*package.split("."))
    if not folder.is_dir():
        return [folder.with_suffix(".py")]
    return sorted(path for path in folder.rglob("*") if path.is_file() and not _left_out(path))


def _left_out(path: Path) -> bool:
    """Compiled code, the door, and what editors and file managers leave."""
    return path.suffix == ".pyc" or path.name == DOOR or path.name.startswith(".") or path.name.endswith("~")


def _used_definitions(package: str) -> dict[tuple[str, str], bytes]:
    """What `package` uses of our other modules, by module and name."""
    waiting = [used for path in _files(package) if path.suffix == ".py" for used in _imports(_tree(path))]
    used: dict[tuple[str, str], bytes] = {}
    while waiting:
        module, name = waiting.pop()
        if (module, name) in used or f"{module}.".startswith((f"{package}.", *(f"{m}." for m in DECIDES_NOTHING))):
            continue
        statements = _definitions(module).get(name, [])
        used[module, name] = b"".join(ast.dump(statement).encode() for statement in statements)
        waiting.append((module, ACTIONS))
        for statement in statements:
            waiting += _imports(statement)
            waiting += [(module, other) for other in _names(statement)]
    return used


@cache
def _definitions(module: str) -> dict[str, list[ast.stmt]]:
    """The statements that define each name at the top of a module; under "" all of them, for `import module`."""
    tree = _tree(_path(module))
    definitions: dict[str, list[ast.stmt]] = {"": tree.body}
    for statement in tree.body:
        for name in _defined_names(statement) or [ACTIONS]:
            definitions.setdefault(name, []).append(statement)
    return definitions


def _defined_names(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name for alias in statement.names]
    if not isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
        return []  # a bare call, a condition: it may do anything
    # A comprehension's variables are defined nowhere else: only what is assigned to counts.
    roots = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    nodes = (node for root in roots for node in ast.walk(root))
    return [node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]


def _names(statement: ast.stmt) -> set[str]:
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}


def _imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """What a piece of code imports of ours: module and name, the name empty where it is the whole module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if _is_ours(alias.name))
        elif isinstance(node, ast.ImportFrom) and node.module and _is_ours(node.module):
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                yield (submodule, "") if _path(submodule).exists() else (node.module, alias.name)


def _is_ours(module: str) -> bool:
    return module.split(".", maxsplit=1)[0] in OURS


def _path(module: str) -> Path:
    folder = ROOT.joinpath(*module.split("."))
    return folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")


def _module_name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _content(path: Path) -> bytes:
    return ast.dump(_tree(path)).encode() if path.suffix == ".py" else path.read_bytes()


@cache
def _tree(path: Path) -> ast.Module:
    """Syntax tree of a file, without the strings that stand alone: docstrings, and those under a field."""
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [statement for statement in body if not _is_docstring(statement)]  # type: ignore[attr-defined]
    return tree


def _is_docstring(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
