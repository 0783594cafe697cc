"""MTCNN: Zhang et al., Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks (2016)."""

import numpy as np
from facenet_pytorch import MTCNN

from tasks.faces.face import Face, Photos

SMALLEST_FACE = 40
"""Pixels. MTCNN's default of 20 doubles its time and finds the same faces on photos of one person."""


class Mtcnn:
    """MTCNN of facenet-pytorch, on a core."""

    longest_side = 640
    batch = 1
    """Its cascade cuts every candidate out by itself: on cores more at once are 10 % faster, and not always alike."""

    def __init__(self) -> None:
        self._net = MTCNN(min_face_size=SMALLEST_FACE, keep_all=True, device="cpu")

    def __call__(self, photos: Photos) -> list[list[Face]]:
        """Every face on each photo."""
        if min(photos.shape[1:3]) < SMALLEST_FACE:
            return [[] for _ in photos]  # no room for a face; the package would fail on its empty image pyramid
        return [
            # Its landmarks come as left eye, right eye, nose, left and right corner of the mouth: our order.
            [
                Face(tuple(map(float, box)), float(score), np.asarray(marks, np.float64))  # type: ignore[arg-type]
                for box, score, marks in zip(boxes, scores, landmarks, strict=True)
            ]
            if boxes is not None
            else []
            for boxes, scores, landmarks in zip(*self._net.detect(photos, landmarks=True), strict=True)
        ]
