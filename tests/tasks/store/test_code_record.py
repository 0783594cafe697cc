import pytest

from tasks.errors import CorruptFileError
from tasks.store import Backend, Ledger, Step
from tasks.store.code import code_digest, code_parts
from tasks.store.code_record import read_code

STEP = Step("some", "tasks.classes")


def test_code_behind_an_artifact_is_recorded_part_by_part(backend: Backend) -> None:
    ledger = Ledger(backend)
    for number in ("1", "2"):
        ledger.produce(STEP, {"number": number}, None, lambda _: {})
    (record,) = backend.list("code/")
    assert record.key == f"code/{code_digest('tasks.classes')}.json"
    parts = read_code(backend, ledger.produce(STEP, {"number": "1"}, None, lambda _: {}).manifest.code)
    assert parts == code_parts("tasks.classes")
    assert "tasks/classes.py:encode_class" in parts


def test_record_that_somebody_else_made_first_is_kept(ledger: Ledger) -> None:
    ledger.backend.create(f"code/{code_digest('tasks.classes')}.json", b'{"theirs":"0"}')
    artifact = ledger.produce(STEP, {}, None, lambda _: {})
    assert read_code(ledger.backend, artifact.manifest.code) == {"theirs": "0"}


def test_code_that_was_never_recorded_is_not_known(ledger: Ledger) -> None:
    assert read_code(ledger.backend, "0" * 64) is None


@pytest.mark.parametrize("content", [b"", b'{"part": 1}'])
def test_damaged_record_is_named(ledger: Ledger, content: bytes) -> None:
    ledger.backend.create("code/abc.json", content)
    with pytest.raises(CorruptFileError, match=r"code/abc\.json is damaged\. Delete it"):
        read_code(ledger.backend, "abc")
