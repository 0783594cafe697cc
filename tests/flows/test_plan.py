import shutil
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import pytest

from flows.data_change import DataChange
from flows.experiments import resolve_experiment
from flows.params import RetrainParams
from flows.plan import PlannedStep, expected_seconds, find_artifacts, plan_retrain
from tasks.catalog.step import make_catalog
from tasks.data_folder import open_data
from tasks.data_folder.local import LocalFolder
from tasks.errors import DataError
from tasks.folds.settings import FoldsSettings
from tasks.folds.step import make_folds
from tasks.store import Backend, Ledger, Manifest, Step, code
from tasks.store.explain import CodeChange, InputChange, LibraryChange, SettingChange
from tasks.store.folder import FolderBackend
from tasks.store.ledger import draft_manifest
from tests.e2e.desk import SMALL, STEPS
from tests.tasks.store.history import keys_in, save_checkpoint

SETTINGS = (*SMALL, "faces.crop=centre")

Plan = Callable[..., dict[str, PlannedStep]]
"""Plans a retrain of the sample with these changes, over a store in which it was made without them."""


def plan_of(data: Path, backend: Backend, changes: Sequence[str] = ()) -> dict[str, PlannedStep]:
    params = RetrainParams(data=str(data), experiment="sample", overrides=(*SETTINGS, *changes))
    return plan_retrain(params, backend)


def reused(plan: dict[str, PlannedStep]) -> list[str]:
    return [name for name, step in plan.items() if step.artifact.reused]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, sample_data: Path) -> Path:
    """A store with everything that a retrain makes. Not to be changed."""
    root = tmp_path_factory.mktemp("made") / "store"
    experiment = resolve_experiment("sample", SETTINGS, {})
    find_artifacts(Ledger(FolderBackend(root)), open_data(str(sample_data)), experiment, "sample")
    return root


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Ledger:
    """A store of one's own, with everything that a retrain makes."""
    return Ledger(FolderBackend(shutil.copytree(made, tmp_path / "store")))


@pytest.fixture
def plan(store: Ledger, sample_data: Path) -> Plan:
    return lambda *changes, data=sample_data: plan_of(data, store.backend, changes)


def test_plan_of_an_empty_store_makes_everything_and_writes_nothing(ledger: Ledger, sample_data: Path) -> None:
    plan = plan_of(sample_data, ledger.backend)
    assert list(plan) == [*STEPS, "report"]
    assert reused(plan) == []
    assert {(step.nearest, step.seconds, step.causes) for step in plan.values()} == {(None, None, ())}
    assert not Path(ledger.backend.url).exists()


def test_once_it_is_made_everything_is_reused(plan: Plan) -> None:
    assert reused(plan()) == [*STEPS, "report"]


def test_plan_of_a_change_writes_nothing(plan: Plan, store: Ledger) -> None:
    before = {found.key: found.modified for found in store.backend.list("")}
    plan("training.epochs=2")
    assert {found.key: found.modified for found in store.backend.list("")} == before


def test_plan_leaves_checkpoints_alone(plan: Plan, store: Ledger) -> None:
    for changes in ((), ("training.epochs=2",)):
        save_checkpoint(store.backend, plan(*changes)["fold-0"].artifact.ref)
    before = keys_in(store.backend, "checkpoints/")
    assert len(before) == 4
    plan()
    plan("training.epochs=2")
    assert keys_in(store.backend, "checkpoints/") == before


def test_changed_setting_is_the_cause_and_what_hangs_on_it_is_made_anew(plan: Plan) -> None:
    changed = plan("training.epochs=3")
    assert reused(changed) == STEPS[:7]
    for fold in ("0", "1"):
        step = changed[f"fold-{fold}"]
        assert step.nearest
        assert (step.causes, step.anew) == ((SettingChange("training.epochs", "1", "3"),), ())
        assert step.nearest.inputs["fold"] == fold
        assert step.seconds == pytest.approx(3 * step.nearest.seconds)
    assert (changed["ensemble"].causes, changed["ensemble"].anew) == ((), ("fold-0", "fold-1"))
    assert changed["report"].anew == tuple(STEPS[7:])


def test_fold_that_was_never_made_is_compared_with_another(plan: Plan) -> None:
    more = plan("folds.count=3")["fold-2"]
    assert more.nearest
    assert (more.causes, more.anew) == ((InputChange("fold", more.nearest.inputs["fold"], "2"),), ("folds",))
    assert more.seconds == more.nearest.seconds


def test_input_that_is_another_one_in_the_store_is_told_by_what_made_it_another(
    plan: Plan, store: Ledger, sample_data: Path
) -> None:
    catalog = make_catalog(store, LocalFolder(sample_data))
    make_folds(store, catalog, FoldsSettings(count=3))
    changed = plan("folds.count=3")
    assert reused(changed) == STEPS[:6]
    assert changed["fold-0"].causes == (SettingChange("folds.count", "2", "3"),)


def test_changed_library_is_the_cause(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = {"scikit-learn": "99.0"}
    monkeypatch.setattr("tasks.store.keys.version", lambda name: newer.get(name) or version(name))
    changed = plan()
    assert reused(changed) == STEPS[:5]
    assert changed["folds"].causes == (LibraryChange("scikit-learn", version("scikit-learn"), "99.0"),)


@pytest.fixture
def own_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of our packages, from which digests of the code are taken."""
    for package in code.OURS:
        shutil.copytree(code.ROOT / package, tmp_path / "code" / package)
    monkeypatch.setattr(code, "ROOT", tmp_path / "code")
    forget_code()
    yield tmp_path / "code"
    forget_code()


def forget_code() -> None:
    for cached in (code.code_digest, code.code_parts, code._definitions, code._tree):
        cached.cache_clear()


def test_changed_function_is_the_cause(plan: Plan, own_code: Path) -> None:
    module = own_code / "tasks/folds/split.py"
    module.write_text(f"{module.read_text()}\n\ndef more() -> int:\n    return 1\n")
    changed = plan()
    assert reused(changed) == STEPS[:5]
    assert changed["folds"].causes == (CodeChange(new=("tasks/folds/split.py:more",)),)


def test_code_that_was_not_recorded_is_a_cause_without_names(plan: Plan, own_code: Path, store: Ledger) -> None:
    store.backend.delete([found.key for found in store.backend.list("code/")])
    (own_code / "tasks/folds/more.py").touch()
    assert plan()["folds"].causes == (CodeChange(),)


def with_another_photo(data: Path) -> Path:
    """Let a photo of the data have the bytes of another."""
    first, second, *_ = sorted((data / "train/images").glob("*/mask1.*"))
    first.write_bytes(second.read_bytes())
    return first.relative_to(data)


def test_changed_photo_is_the_cause(plan: Plan, sample_data: Path, tmp_path: Path) -> None:
    data = shutil.copytree(sample_data, tmp_path / "data")
    change = DataChange((), (), other_bytes=(with_another_photo(data).as_posix(),), other_labels=())
    changed = plan(data=data)
    assert reused(changed) == []
    assert changed["catalog"].causes == (change,)
    assert (changed["validate"].causes, changed["validate"].anew) == ((), ("catalog",))


def test_changed_photo_is_the_cause_for_steps_after_a_catalog_that_is_there(
    plan: Plan, store: Ledger, sample_data: Path, tmp_path: Path
) -> None:
    data = shutil.copytree(sample_data, tmp_path / "data")
    change = DataChange((), (), other_bytes=(with_another_photo(data).as_posix(),), other_labels=())
    make_catalog(store, LocalFolder(data))
    changed = plan(data=data)
    assert reused(changed) == ["catalog"]
    assert changed["faces"].causes == (change,)


def test_data_whose_catalog_is_lost_is_still_told_to_have_changed(
    plan: Plan, store: Ledger, sample_data: Path, tmp_path: Path
) -> None:
    data = shutil.copytree(sample_data, tmp_path / "data")
    with_another_photo(data)
    (table,) = Path(store.backend.url).glob("steps/catalog/*/*/catalog.parquet")
    table.unlink()
    (cause,) = plan(data=data)["catalog"].causes
    assert isinstance(cause, InputChange)
    assert cause.name == "data"


@pytest.mark.parametrize(
    "break_data", [shutil.rmtree, lambda data: (data / "eval/info.csv").unlink()], ids=["no folder", "no table"]
)
def test_data_that_cannot_be_used_is_an_error(
    plan: Plan, sample_data: Path, tmp_path: Path, break_data: Callable[[Path], None]
) -> None:
    data = shutil.copytree(sample_data, tmp_path / "data")
    break_data(data)
    with pytest.raises(DataError):
        plan(data=data)


def test_plan_reads_a_bucket_as_it_does_a_folder(backend: Backend, sample_data: Path) -> None:
    make_catalog(Ledger(backend), LocalFolder(sample_data))
    assert reused(plan_of(sample_data, backend)) == ["catalog"]


def timed(seconds: float, **changes: object) -> Manifest:
    draft = draft_manifest(Step("training", "tasks.classes"), {"fold": "0"}, None)
    return draft.model_copy(update={"seconds": seconds, "settings": {"epochs": 2}, **changes})


@pytest.mark.parametrize(
    ("earlier", "seconds"),
    [
        ([], None),
        ([timed(10)], 10),
        ([timed(10, settings={"epochs": 4})], 5),
        ([timed(10, settings={"epochs": 4}), timed(7, inputs={"fold": "1"})], 7),
        ([timed(10, settings={})], 10),
    ],
    ids=["none", "the same", "other epochs", "same settings first", "no epochs"],
)
def test_expected_time_is_that_of_the_nearest(earlier: list[Manifest], seconds: float | None) -> None:
    assert expected_seconds(timed(0), earlier) == seconds
