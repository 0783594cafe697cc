"""The detectors by their names."""

from functools import cache

from tasks.faces.face import Detector
from tasks.faces.settings import DetectorName


@cache
def load_detector(name: DetectorName) -> Detector:
    """The detector of that name, with the weights that its package carries; loaded once a process."""
    if name == "mtcnn":
        from tasks.faces.mtcnn import Mtcnn

        return Mtcnn()
    from tasks.faces.retinaface import RetinaFace

    return RetinaFace()
