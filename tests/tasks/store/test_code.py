from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.store import code

FILES = {
    "tasks/__init__.py": "",
    "tasks/helper.py": "FACTOR = 2\n\ndef double(x):\n    return x * FACTOR\n\ndef unused(x):\n    return x\n",
    "tasks/errors.py": "class Bad(Exception): ...\n",
    "tasks/store/__init__.py": "def produce(): ...\n",
    "tasks/step/__init__.py": '"""A step."""\n',
    "tasks/step/run.py": (
        '"""Runs."""\nfrom tasks.errors import Bad\nfrom tasks.helper import double\n'
        "from tasks.store import produce\n\n"
        'def run(x: int) -> int:\n    """Run."""\n    return double(x) + 1\n'
    ),
    "tasks/step/task.py": "import prefect\n",
    "tasks/step/page.html": "<p>\n",
}


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A small package with a step, its helpers and its door."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(code, "ROOT", tmp_path)
    forget()
    yield tmp_path
    forget()


def forget() -> None:
    for cached in (code.code_digest, code.code_parts, code._definitions, code._tree):
        cached.cache_clear()


def digest_after(tree: Path, name: str, old: str, new: str) -> tuple[str, str]:
    """Digest of the step before and after a change of one file."""
    before = code.code_digest("tasks.step")
    text = (tree / name).read_text()
    assert old in text
    (tree / name).write_text(text.replace(old, new))
    forget()
    return before, code.code_digest("tasks.step")


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("tasks/step/run.py", "+ 1", "+ 2"),
        ("tasks/step/run.py", "x: int", "x: float"),
        ("tasks/step/page.html", "<p>", "<b>"),
        ("tasks/helper.py", "x * FACTOR", "FACTOR * x"),
        ("tasks/helper.py", "FACTOR = 2", "FACTOR = 3"),
    ],
    ids=["body", "annotation", "template", "helper", "constant of a helper"],
)
def test_change_of_what_computes_the_result_is_seen(tree: Path, name: str, old: str, new: str) -> None:
    before, after = digest_after(tree, name, old, new)
    assert before != after


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("tasks/step/run.py", '"""Run."""', '"""Run it, slowly."""'),
        ("tasks/step/run.py", "return double(x) + 1", "# adds one\n    return (double(x)\n        + 1)"),
        ("tasks/helper.py", "def unused(x):\n    return x", "def unused(x):\n    return -x"),
        ("tasks/step/task.py", "import prefect", "import prefect.artifacts"),
        ("tasks/errors.py", "Exception", "ValueError"),
        ("tasks/store/__init__.py", "...", "return 1"),
    ],
    ids=["docstring", "comment and layout", "unused helper", "door", "errors", "ledger"],
)
def test_change_that_decides_no_number_is_not_seen(tree: Path, name: str, old: str, new: str) -> None:
    before, after = digest_after(tree, name, old, new)
    assert before == after


@pytest.mark.parametrize(
    "action",
    [
        "import os\nos.altsep = 'x'\n",
        "TABLE = {}\nTABLE['a'] = 1\n",
        "print(1)\n",
        "if True:\n    def double(x):\n        return 3 * x\n",
    ],
    ids=["attribute", "item", "call", "condition"],
)
def test_what_a_helper_does_on_import_is_seen(tree: Path, action: str) -> None:
    before, after = digest_after(tree, "tasks/helper.py", "FACTOR = 2\n", f"FACTOR = 2\n{action}")
    assert before != after


def test_what_an_editor_leaves_is_not_seen(tree: Path) -> None:
    before = code.code_digest("tasks.step")
    for name in (".run.py.swp", ".DS_Store", "run.py~"):
        (tree / "tasks/step" / name).write_bytes(b"\0")
    forget()
    assert code.code_digest("tasks.step") == before


def test_new_file_in_the_package_is_seen(tree: Path) -> None:
    before = code.code_digest("tasks.step")
    (tree / "tasks/step/more.py").write_text("X = 1\n")
    forget()
    assert code.code_digest("tasks.step") != before


def test_helper_of_a_helper_counts(tree: Path) -> None:
    (tree / "tasks/deep.py").write_text("def deep(x):\n    return x\n")
    helper = tree / "tasks/helper.py"
    helper.write_text(f"from tasks.deep import deep\n{helper.read_text().replace('x * FACTOR', 'deep(x) * FACTOR')}")
    forget()
    before, after = digest_after(tree, "tasks/deep.py", "return x", "return -x")
    assert before != after


def test_every_step_has_a_digest_of_its_own() -> None:
    steps = sorted(path.parent.name for path in Path(code.__file__).parents[1].glob("*/step.py"))
    assert len(steps) == 11
    assert len({code.code_digest(f"tasks.{step}") for step in steps}) == len(steps)


@pytest.mark.parametrize(
    ("name", "old", "new", "parts"),
    [
        ("tasks/step/run.py", "+ 1", "+ 2", {"tasks/step/run.py", "tasks/step/run.py:run"}),
        ("tasks/step/run.py", "import Bad", "import Bad as Evil", {"tasks/step/run.py", "tasks/step/run.py:*"}),
        ("tasks/step/run.py", "double(x) + 1", "double(x) + 1\n\nX = 1", {"tasks/step/run.py", "tasks/step/run.py:X"}),
        ("tasks/step/page.html", "<p>", "<b>", {"tasks/step/page.html"}),
        ("tasks/helper.py", "x * FACTOR", "FACTOR * x", {"tasks/helper.py:double"}),
        ("tasks/helper.py", "FACTOR = 2", "FACTOR = 3", {"tasks/helper.py:FACTOR"}),
        ("tasks/helper.py", "FACTOR = 2", "FACTOR = 2\nprint(1)", {"tasks/helper.py:*"}),
        ("tasks/helper.py", "return x\n", "return -x\n", set()),
    ],
    ids=["function", "import", "new name", "template", "helper", "constant", "action", "unused helper"],
)
def test_parts_tell_which_definition_has_changed(tree: Path, name: str, old: str, new: str, parts: set[str]) -> None:
    before = code.code_parts("tasks.step")
    digest_after(tree, name, old, new)
    after = code.code_parts("tasks.step")
    assert {part for part in before | after if before.get(part) != after.get(part)} == parts


STATEMENTS = (
    "FACTOR = 2\n",
    "FACTOR = 3\n",
    "first, second = 1, 2\n",
    "def double(x):\n    return x * FACTOR\n",
    "def double(x):\n    return len(x) + deep.deep(x)\n",
    "def run(x):\n    return double(x)\n",
    "class Kept:\n    size: int = 1\n",
    "len = max\n",
    "from tasks import deep\n",
    "import tasks.helper\n",
    "from tasks.helper import double, FACTOR\n",
    "print(FACTOR)\n",
)
MODULES = st.lists(st.sampled_from(STATEMENTS), max_size=4).map("".join)
TREES = st.fixed_dictionaries(
    {"tasks/helper.py": MODULES, "tasks/step/run.py": MODULES},
    optional={"tasks/deep.py": MODULES, "tasks/step/more.py": MODULES, "tasks/step/page.html": st.sampled_from("ab")},
)


def measured(files: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Digest and parts of a step in a tree of these files."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        for name, text in (FILES | files).items():
            (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / name).write_text(text)
        patch.setattr(code, "ROOT", Path(folder))
        forget()
        found = code.code_digest("tasks.step"), code.code_parts("tasks.step")
        forget()
    return found


@given(TREES, TREES, st.sets(st.sampled_from(["tasks/helper.py", "tasks/step/run.py", "tasks/deep.py"])))
@settings(max_examples=100, deadline=None)
def test_parts_differ_if_and_only_if_digests_do(first: dict[str, str], other: dict[str, str], same: set[str]) -> None:
    second = other | {name: text for name, text in first.items() if name in same}
    (digest, parts), (other_digest, other_parts) = measured(first), measured(second)
    assert (digest == other_digest) == (parts == other_parts)
