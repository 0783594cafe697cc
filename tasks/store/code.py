"""A digest of the code that computes a step, so that nobody has to remember to raise a version.

It covers the step's package and every Foldline module that it imports, directly or not, as syntax trees without
docstrings: comments, documentation and layout may change freely. What decides no number is left out: the ledger,
errors, progress, and the step's door (`task.py`), which hands over inputs that are in the step key anyway.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The folder that holds our packages, in a checkout as when installed."""
OURS = ("tasks", "expectations")
DECIDES_NOTHING = ("tasks.store", "tasks.errors", "tasks.progress", "tasks.door")


@cache
def code_digest(package: str) -> str:
    """SHA-256, hex, over the code that computes the result of `package`."""
    digest = hashlib.sha256()
    for path in sorted(_closure(package), key=lambda path: path.as_posix()):
        name = f"{path.parent.name}/{path.name}"
        digest.update(name.encode() + b"\0" + _content(path) + b"\0")
    return digest.hexdigest()


def _closure(package: str) -> set[Path]:
    """Files of `package`, and of every module of ours that they import, directly or not."""
    seen: set[str] = set()
    files: set[Path] = set()
    waiting = [package]
    while waiting:
        module = waiting.pop()
        if module in seen or module.startswith(DECIDES_NOTHING):
            continue
        seen.add(module)
        found = set(_files(module))
        files |= found
        waiting += [name for path in found if path.suffix == ".py" for name in _imports(path)]
    return files


def _files(module: str) -> Iterator[Path]:
    """Source files of a module; of a package all that lies in its folder, templates too."""
    path = ROOT.joinpath(*module.split("."))
    if path.is_dir():
        yield from (file for file in path.rglob("*") if file.is_file() and _counts(file))
    else:
        yield path.with_suffix(".py")


def _counts(file: Path) -> bool:
    return file.suffix != ".pyc" and file.name != "task.py"


def _imports(path: Path) -> Iterator[str]:
    """Modules of ours that a file imports."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            # `from package import name` may import the module `package.name`.
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (module for name in names if name.split(".")[0] in OURS for module in _module_of(name))


def _module_of(name: str) -> Iterator[str]:
    """The module that `name` is or is defined in; never a root package, whose folder holds every step."""
    while "." in name:
        path = ROOT.joinpath(*name.split("."))
        if path.is_dir() or path.with_suffix(".py").is_file():
            yield name
            return
        name = name.rpartition(".")[0]


def _content(path: Path) -> bytes:
    if path.suffix != ".py":
        return path.read_bytes()
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [statement for statement in body if not _is_docstring(statement)]  # type: ignore[attr-defined]
    return ast.dump(tree).encode()


def _is_docstring(statement: ast.stmt) -> bool:
    """A string that stands alone: a docstring, or the one under a field."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
