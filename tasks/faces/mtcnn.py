"""MTCNN: Zhang et al., Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks (2016)."""

import numpy as np
from facenet_pytorch import MTCNN

from tasks.faces.face import Face
from tasks.photos import Pixels

SMALLEST_FACE = 40
"""Pixels. MTCNN's default of 20 doubles its time and finds the same faces on photos of one person."""


class Mtcnn:
    """MTCNN of facenet-pytorch, on a core."""

    longest_sides: tuple[int, ...] = (640,)

    def __init__(self) -> None:
        self._net = MTCNN(min_face_size=SMALLEST_FACE, keep_all=True, device="cpu")

    def __call__(self, pixels: Pixels) -> list[Face]:
        """Every face on a photo."""
        if min(pixels.shape[:2]) < SMALLEST_FACE:
            return []  # no room for a face; the package would fail on its empty image pyramid
        boxes, scores, landmarks = self._net.detect(pixels, landmarks=True)
        if boxes is None:
            return []
        # Its landmarks come as left eye, right eye, nose, left and right corner of the mouth: our order.
        return [
            Face(tuple(map(float, box)), float(score), np.asarray(marks, np.float64))  # type: ignore[arg-type]
            for box, score, marks in zip(boxes, scores, landmarks, strict=True)
        ]
