import pytest

from flows.crop_faces import searched_by
from tasks.faces.settings import FacesSettings

SETTINGS = FacesSettings(crop="centre", padding_x=7)


def test_settings_of_the_experiment_stay_if_no_detector_is_named() -> None:
    assert searched_by(None, SETTINGS) is SETTINGS


@pytest.mark.parametrize("detector", ["retinaface", "mtcnn"])
def test_detector_that_is_named_is_the_only_one(detector: str) -> None:
    chosen = searched_by(detector, SETTINGS)  # type: ignore[arg-type]
    assert chosen == FacesSettings(crop="face", detectors=(detector,), padding_x=7)


def test_centre_searches_nothing() -> None:
    assert searched_by("centre", FacesSettings(padding_x=7)) == SETTINGS
