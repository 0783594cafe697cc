import shutil
from pathlib import Path

from tasks.data_folder.local import LocalFolder
from tasks.store import Artifact, Ledger
from tasks.validate.docs.gallery import make_gallery
from tasks.validate.run import Outcomes
from tasks.validate.settings import SuiteSettings
from tasks.validate.step import validate_data
from tasks.validate.tables import Validated


def test_photos_are_those_of_what_failed(validated: Validated, outcomes: Outcomes, flawed: LocalFolder) -> None:
    gallery = make_gallery(validated, outcomes, flawed)
    copy, original = gallery.walls[-1].exhibits[0].captions
    assert gallery.walls[-1].outcome.expectation == "no_copies_person"
    assert gallery.pictures[copy] == gallery.pictures[original]
    assert not gallery.boxed


def test_where_nothing_failed_no_photo_is_read(validated: Validated) -> None:
    assert make_gallery(validated, {"labels": []}, LocalFolder(Path("/nowhere"))).shown == set()


def test_photos_that_are_gone_do_not_end_a_validation(store: Ledger, flawed_catalog: Artifact, tmp_path: Path) -> None:
    moved = validate_data(store, LocalFolder(tmp_path), flawed_catalog, SuiteSettings(suites=("photos",)))
    assert "gone, or changed since" in moved.path("data_docs/pictures.html").read_text(encoding="utf-8")


def test_validation_is_reused_wherever_its_photos_lie_now(
    store: Ledger, flawed: LocalFolder, flawed_catalog: Artifact, tmp_path: Path
) -> None:
    elsewhere = LocalFolder(Path(shutil.copytree(flawed.root, tmp_path / "data")))
    first, second = (validate_data(store, data, flawed_catalog, SuiteSettings()) for data in (flawed, elsewhere))
    assert second.reused
    assert first.ref == second.ref
